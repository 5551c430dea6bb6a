//! The communes of France, present and former, with their postal codes: `schemas/referentiels/communes.csv`, built in.
//!
//! A code enters, its line of the table leaves. The text stays as it is; what is built at the first question is 0.6 MB: the code and
//! the start of each line, the lines of each postal code, the former communes of each commune, all sorted.

use std::sync::LazyLock;

/// The table the program is built with.
pub(super) static COMMUNES: LazyLock<Communes> =
    LazyLock::new(|| Communes::read(include_str!("../../../schemas/referentiels/communes.csv")));

/// A line's place in the table.
type LineNumber = u16;

/// The table, searchable.
pub(super) struct Communes {
    text: &'static str,
    /// The code of each line, packed: a search that reads the text finds it cold.
    codes: Box<[u32]>,
    /// Where each line starts.
    starts: Box<[u32]>,
    /// The communes a postal code serves.
    served: Box<[(u32, LineNumber)]>,
    /// Each commune with those that became part of it.
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

    /// Whether it is a commune today, and no part of one.
    pub fn is_present(&self) -> bool {
        self.into.is_empty()
    }

    fn postal_codes(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.postal.split(' ').filter(|code| !code.is_empty())
    }
}

impl Communes {
    /// Reads the table: lines sorted by code, of one code the present commune first. The first two say what it is.
    fn read(text: &'static str) -> Self {
        let lines = || text.lines().skip(2).filter_map(Commune::of);
        let codes: Box<[u32]> = lines().map(|commune| packed(commune.code).unwrap_or_default()).collect();
        let mut communes =
            Self { text, codes, starts: Box::default(), served: Box::default(), former: Box::default() };
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        // What follows the first line end is the header.
        communes.starts = breaks.filter_map(|(at, _)| u32::try_from(at + 1).ok()).skip(1).collect();
        let (mut served, mut former) = (Vec::new(), Vec::new());
        for (number, commune) in (0..).zip(lines()) {
            served.extend(commune.postal_codes().filter_map(|code| Some((code.parse().ok()?, number))));
            former.extend(communes.number_of(commune.into).map(|into| (into, number)));
        }
        served.sort_unstable();
        former.sort_unstable();
        (communes.served, communes.former) = (served.into(), former.into());
        communes
    }

    fn line(&self, number: LineNumber) -> Option<Commune> {
        let start = *self.starts.get(usize::from(number))?;
        Commune::of(self.text.get(start as usize..)?.lines().next()?)
    }

    /// The first line of a code.
    fn number_of(&self, code: &str) -> Option<LineNumber> {
        let code = packed(code)?;
        let at = self.codes.partition_point(|before| *before < code);
        let found = self.codes.get(at).is_some_and(|found| *found == code);
        found.then(|| LineNumber::try_from(at).ok())?
    }

    /// What a code stands for: a commune, else a former one or an arrondissement.
    pub fn find(&self, code: &str) -> Option<Commune> {
        self.line(self.number_of(code)?)
    }

    /// The present commune of a code: itself, or what it became.
    pub fn present(&self, code: &str) -> Option<Commune> {
        self.find(code).and_then(|found| self.today(found))
    }

    /// What a commune is today: itself, or what it became.
    pub fn today(&self, commune: Commune) -> Option<Commune> {
        if commune.is_present() { Some(commune) } else { self.find(commune.into) }
    }

    /// Whether a postal code serves a commune; of a former one, what it became.
    pub fn serves(&self, postal: &str, commune: Commune) -> bool {
        let served = if commune.postal.is_empty() { self.today(commune) } else { Some(commune) };
        served.is_some_and(|served| served.postal_codes().any(|code| code == postal))
    }

    /// What a postal code serves; nothing when no commune has it (a CEDEX, for instance).
    pub fn served_by(&self, postal: &str) -> impl Iterator<Item = Commune> + use<'_> {
        let postal: u32 = postal.parse().unwrap_or_default();
        let from = self.served.partition_point(|(code, _)| *code < postal);
        let served = self.served.get(from..).unwrap_or_default().iter();
        served.take_while(move |(code, _)| *code == postal).filter_map(|(_, number)| self.line(*number))
    }

    /// What became part of a present commune, its arrondissements among them.
    pub fn parts(&self, present: Commune) -> impl Iterator<Item = Commune> + use<'_> {
        let number = self.number_of(present.code);
        let from = self.former.partition_point(|(into, _)| Some(*into) < number);
        let former = self.former.get(from..).unwrap_or_default().iter();
        let own = former.take_while(move |(into, _)| Some(*into) == number);
        own.filter_map(|(_, part)| self.line(*part))
    }
}

/// The five characters of a code as a number that sorts as they do.
fn packed(code: &str) -> Option<u32> {
    let five = code.len() == 5;
    let value = |sum: u32, c: char| c.to_digit(36).map(|digit| sum * 36 + digit);
    five.then(|| code.chars().try_fold(0, value))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_leads_to_a_present_commune() {
        let communes = &*COMMUNES;
        assert!(communes.codes.is_sorted());
        let lines = (0..).map_while(|number| communes.line(number)).collect::<Vec<_>>();
        assert_eq!(lines.len(), communes.codes.len());
        assert!(lines.len() > 39_000, "{}", lines.len());
        for line in &lines {
            let present = communes.present(line.code).expect("a present commune");
            assert!(present.is_present() && !present.name.is_empty() && line.code.len() == 5, "{line:?}");
        }
        let formers = lines.iter().filter(|line| !line.is_present()).count();
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
            let served = COMMUNES.find(code).is_some_and(|commune| COMMUNES.serves(postal, commune));
            assert_eq!(served, wanted, "{postal} {code}");
        }
        let served = |postal| COMMUNES.served_by(postal).map(|commune| commune.code).collect::<Vec<_>>();
        assert_eq!(served("97133"), ["97701"]);
        assert_eq!(served("54035"), <[&str; 0]>::default());
    }

    #[test]
    fn the_parts_of_a_commune_are_those_it_absorbed() {
        let parts = |code| {
            let present = COMMUNES.present(code).expect("a commune");
            COMMUNES.parts(present).map(|part| part.name).collect::<Vec<_>>()
        };
        assert!(parts("75114").contains(&"Paris 14e Arrondissement"));
        assert_eq!(parts("01015"), ["Arbignieu", "Saint-Bois"]);
        assert_eq!(parts("52250"), <[&str; 0]>::default());
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_code_that_panics(text in "\\PC{0,8}") {
            let _ = (COMMUNES.present(&text), COMMUNES.served_by(&text).count());
        }
    }
}
