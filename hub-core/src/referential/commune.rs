//! The communes of France, present and former, with their postal codes: `schemas/referentiels/communes.csv`, built in.
//!
//! A code enters, its line of the table leaves. The text is kept as it is and searched by line; what is built at the first
//! question is 0.5 MB: where each line starts, the lines of each postal code, the former communes of each commune.

use std::sync::LazyLock;

/// The table the program is built with.
pub(super) static COMMUNES: LazyLock<Communes> =
    LazyLock::new(|| Communes::read(include_str!("../../../schemas/referentiels/communes.csv")));

/// A line's place in the table.
type LineNumber = u16;

/// The table, searchable.
pub(super) struct Communes {
    text: &'static str,
    /// Where each line starts; lines are sorted by code.
    starts: Box<[u32]>,
    /// The communes a postal code serves, sorted.
    served: Box<[(u32, LineNumber)]>,
    /// Each commune with those that became part of it, sorted.
    former: Box<[(LineNumber, LineNumber)]>,
}

/// One line: a commune, a former one, or an arrondissement of Paris, Lyon or Marseille.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commune {
    /// Its INSEE code.
    pub code: &'static str,
    /// Its name; empty where only the code of a former commune is known.
    pub name: &'static str,
    /// Its postal codes, a space between; empty of a former one.
    postal: &'static str,
    /// The commune it became, or is a part of; empty of a present one.
    into: &'static str,
}

impl Commune {
    fn of(line: &'static str) -> Option<Self> {
        let mut cells = line.split(';');
        let (code, name, postal) = (cells.next()?, cells.next()?, cells.next()?);
        Some(Self { code, name, postal, into: cells.next()? })
    }

    fn postal_codes(&self) -> impl Iterator<Item = u32> + use<> {
        self.postal.split(' ').filter_map(|code| code.parse().ok())
    }
}

impl Communes {
    /// Reads the table: lines sorted by code, of one code the present commune first. The first two say what it is.
    fn read(text: &'static str) -> Self {
        let mut communes =
            Self { text, starts: Box::default(), served: Box::default(), former: Box::default() };
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = breaks.filter_map(|(at, _)| u32::try_from(at + 1).ok()).skip(1);
        communes.starts = starts.filter(|start| (*start as usize) < text.len()).collect();
        let lines = (0..)
            .zip(communes.starts.iter())
            .filter_map(|(number, start)| Some((number, Commune::of(communes.line_at(*start))?)));
        let (mut served, mut former) = (Vec::new(), Vec::new());
        for (number, commune) in lines {
            served.extend(commune.postal_codes().map(|postal| (postal, number)));
            if let Some(into) = communes.number_of(commune.into) {
                former.push((into, number));
            }
        }
        served.sort_unstable();
        former.sort_unstable();
        (communes.served, communes.former) = (served.into(), former.into());
        communes
    }

    fn line_at(&self, start: u32) -> &'static str {
        let rest = self.text.get(start as usize..).unwrap_or_default();
        rest.split('\n').next().unwrap_or_default()
    }

    fn code_at(&self, start: u32) -> &str {
        let start = start as usize;
        self.text.get(start..start + 5).unwrap_or_default()
    }

    fn line(&self, number: LineNumber) -> Option<Commune> {
        self.starts.get(usize::from(number)).and_then(|start| Commune::of(self.line_at(*start)))
    }

    /// The first line of a code.
    fn number_of(&self, code: &str) -> Option<LineNumber> {
        let at = self.starts.partition_point(|start| self.code_at(*start) < code);
        let found = self.starts.get(at).is_some_and(|start| self.code_at(*start) == code);
        found.then(|| LineNumber::try_from(at).ok())?
    }

    /// What a code stands for: a commune, else a former one or an arrondissement.
    pub fn find(&self, code: &str) -> Option<Commune> {
        self.line(self.number_of(code)?)
    }

    /// The present commune of a code: itself, or what it became.
    pub fn present(&self, code: &str) -> Option<Commune> {
        let found = self.find(code)?;
        if found.into.is_empty() { Some(found) } else { self.find(found.into) }
    }

    /// Whether a postal code serves what a code stands for.
    pub fn serves(&self, postal: &str, code: &str) -> bool {
        let wanted = |commune: Commune| commune.postal.split(' ').any(|served| served == postal);
        match self.find(code) {
            Some(found) if !found.postal.is_empty() => wanted(found),
            Some(_) => self.present(code).is_some_and(wanted),
            None => false,
        }
    }

    /// What a postal code serves; nothing when no commune has it (a CEDEX, for instance).
    pub fn served_by(&self, postal: &str) -> impl Iterator<Item = Commune> {
        let postal: u32 = postal.parse().unwrap_or_default();
        let from = self.served.partition_point(|(code, _)| *code < postal);
        let served = self.served.get(from..).unwrap_or_default().iter();
        served.take_while(move |(code, _)| *code == postal).filter_map(|(_, number)| self.line(*number))
    }

    /// The present commune of a code and all that became part of it.
    pub fn parts(&self, code: &str) -> impl Iterator<Item = Commune> {
        let present = self.present(code);
        let number = present.and_then(|present| self.number_of(present.code));
        let from = self.former.partition_point(|(into, _)| Some(*into) < number);
        let former = self.former.get(from..).unwrap_or_default().iter();
        let former = former.take_while(move |(into, _)| Some(*into) == number);
        present.into_iter().chain(former.filter_map(|(_, part)| self.line(*part)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_leads_to_a_present_commune() {
        let communes = &*COMMUNES;
        assert!(communes.starts.is_sorted_by_key(|start| communes.code_at(*start)));
        let lines = (0..).map_while(|number| communes.line(number)).collect::<Vec<_>>();
        assert_eq!(lines.len(), communes.starts.len());
        assert!(lines.len() > 39_000, "{}", lines.len());
        for line in &lines {
            let present = communes.present(line.code).expect("a present commune");
            assert!(present.into.is_empty() && !present.name.is_empty() && line.code.len() == 5, "{line:?}");
        }
        let formers = lines.iter().filter(|line| !line.into.is_empty()).count();
        assert_eq!(communes.former.len(), formers);
    }

    #[test]
    fn a_code_leads_to_what_it_is_today() {
        for (code, wanted) in [
            ("52121", Some(("52121", "Chaumont"))),
            ("75114", Some(("75056", "Paris"))),
            ("01340", Some(("01015", "Arboys en Bugey"))),
            ("01003", Some(("01165", "Francheleins"))),
            ("2A004", Some(("2A004", "Ajaccio"))),
            ("97123", Some(("97701", "Saint-Barthélemy"))),
            ("52999", None),
            ("", None),
            ("é1", None),
        ] {
            let found = COMMUNES.present(code);
            assert_eq!(found.map(|commune| (commune.code, commune.name)), wanted, "{code}");
        }
    }

    #[test]
    fn a_postal_code_serves_its_communes_and_what_became_part_of_them() {
        for (postal, code, wanted) in [
            ("52000", "52121", true),
            ("52100", "52121", false),
            ("75014", "75056", true),
            ("75014", "75114", true),
            ("75015", "75114", false),
            ("01300", "01340", true),
            ("52000", "52999", false),
        ] {
            assert_eq!(COMMUNES.serves(postal, code), wanted, "{postal} {code}");
        }
        let served = |postal| COMMUNES.served_by(postal).map(|commune| commune.code).collect::<Vec<_>>();
        assert_eq!(served("97133"), ["97701"]);
        assert_eq!(served("54035"), <[&str; 0]>::default());
    }

    #[test]
    fn the_parts_of_a_commune_are_itself_and_those_it_absorbed() {
        let parts = |code| COMMUNES.parts(code).map(|part| part.name).collect::<Vec<_>>();
        assert!(parts("75114").contains(&"Paris 14e Arrondissement"));
        assert_eq!(parts("01015"), ["Arboys en Bugey", "Arbignieu", "Saint-Bois"]);
        assert_eq!(parts("52999"), <[&str; 0]>::default());
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_code_that_panics(text in "\\PC{0,8}") {
            let _ = (COMMUNES.present(&text), COMMUNES.serves(&text, &text));
            let _ = (COMMUNES.served_by(&text).count(), COMMUNES.parts(&text).count());
        }
    }
}
