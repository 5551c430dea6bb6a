//! `dlnuf person why`: why a field holds its value, down to the file, the line and the rule, and why other values are not kept.
//!
//! The accounts of [`hub_core::merge::explain`] enter; here they only get names, files and lines.

use clap::Args;
use hub_core::canonical::{Canon, FieldId, Value};
use hub_core::code::Code;
use hub_core::mapping::nearest;
use hub_core::merge::{Account, Criterion, Precedence, Verdict, explain};
use hub_core::statement::{Origin, Statement};
use hub_core::store::{KnownPerson, Store};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::super::language::{Said, either, name};
use super::super::{Output, show};
use super::place::{Library, Place};
use super::show::shown;
use super::verdict::{motive, word};
use crate::mappings::MappingFiles;

/// Arguments of `person why`.
#[derive(Debug, Args)]
pub struct Why {
    /// The person
    pub(super) id: Uuid,
    /// The field: its path, such as droits.rsa.etat, or its last word where no other field has it
    pub(super) field: String,
}

/// A claim that had a say, with what the field holds in it.
struct Told<'a> {
    account: Account<'a>,
    stated: Option<(&'a Value, &'a Origin)>,
}

/// Prints the value kept, then those that are not.
pub(super) async fn tell(
    (store, canon, files): (&dyn Store, &Canon, &MappingFiles),
    person: &KnownPerson,
    written: &str,
    output: Output,
) -> anyhow::Result<()> {
    let field = field(canon, written)?;
    // Of what a list holds, the list is told.
    let field = canon.field(field).list.unwrap_or(field);
    let precedence = files.precedence()?;
    let statements: Vec<&Statement> = person.statements.iter().collect();
    let accounts = explain(canon, &precedence, &statements, field).into_iter();
    let told = accounts.map(|account| Told { account, stated: account.statement.stated.get(field) });
    // One that is believed for the block and says nothing of the field is why nothing is known.
    let told: Vec<Told<'_>> =
        told.filter(|told| told.stated.is_some() || told.account.verdict == Verdict::Kept).collect();
    let origins = told.iter().filter_map(|told| Some(told.stated?.1));
    let library = Library::of(store, (files, canon), origins).await?;
    let teller = Teller { canon, precedence: &precedence, library, field };
    if output == Output::Json {
        for one in &told {
            show::json_line(&teller.document(one));
        }
        return Ok(());
    }
    let path = &canon.field(field).path;
    if told.iter().all(|told| told.stated.is_none()) {
        show::line(either(
            format_args!("personne ne dit rien de `{path}`"),
            format_args!("nobody states `{path}`"),
        ));
        return Ok(());
    }
    show::line(path);
    for one in &told {
        teller.print(one, &told);
    }
    let kept = told.first().filter(|told| told.account.verdict == Verdict::Kept);
    let believed = kept.and_then(|told| told.stated).map(|(value, _)| value);
    let lists = told.iter().any(|told| told.account.verdict == Verdict::United);
    if !lists && person.state.get(field).map(|(value, _)| value) != believed {
        show::line(either(
            "\nla politique a changé depuis : cette valeur vaudra à la prochaine livraison qui parle de la personne",
            "\nthe policy has changed since: this value counts from the next delivery that speaks of the person",
        ));
    }
    Ok(())
}

/// The field meant: by its path, or by its last word.
fn field(canon: &Canon, written: &str) -> Result<FieldId, Said> {
    if let Some(field) = canon.find(written) {
        return Ok(field);
    }
    let named: Vec<(FieldId, &str)> = canon
        .fields()
        .filter(|(_, field)| field.name() == written)
        .map(|(id, field)| (id, field.path.as_str()))
        .collect();
    if let [(field, _)] = named.as_slice() {
        return Ok(*field);
    }
    let (french, english) = if named.is_empty() {
        let paths = || canon.fields().map(|(_, field)| field.path.as_str());
        let words = canon.fields().map(|(_, field)| field.name());
        let near = nearest(written, paths()).or_else(|| nearest(written, words));
        let near = near.map(|near| {
            either(format!(" ; vouliez-vous dire `{near}` ?"), format!("; did you mean `{near}`?"))
        });
        let near = near.unwrap_or_default();
        // A value typed in the place of a field is not said again.
        let plain = |letter: char| letter.is_ascii_lowercase() || matches!(letter, '.' | '_' | '[' | ']');
        let named = if written.chars().all(plain) { format!(" `{written}`") } else { String::new() };
        (format!("il n'y a pas de champ{named}{near}"), format!("there is no field{named}{near}"))
    } else {
        let paths: Vec<String> = named.iter().map(|(_, path)| format!("`{path}`")).collect();
        let paths = paths.join(", ");
        (
            format!("plusieurs champs s'appellent `{written}` : {paths}"),
            format!("several fields are called `{written}`: {paths}"),
        )
    };
    Err(Said::either(Code::UnknownField, french, english))
}

/// Tells of the claims of one field.
struct Teller<'t> {
    canon: &'t Canon,
    precedence: &'t Precedence,
    library: Library<'t>,
    field: FieldId,
}

impl Teller<'_> {
    fn document(&self, Told { account, stated }: &Told<'_>) -> Json {
        let (verdict, motive) = word(account.verdict);
        let against = match account.verdict {
            Verdict::Lost(to, _) => Some(to.source.as_str()),
            _ => None,
        };
        let origin = stated.map(|(_, origin)| origin);
        let rule = origin.and_then(|origin| self.library.rule(self.field, origin).ok());
        let place = |place: Place| json!({ "fichier": place.file, "lignes": place.lines });
        json!({
            "champ": self.canon.field(self.field).path, "valeur": stated.map(|(value, _)| value.to_json(self.canon)),
            "retenue": account.verdict == Verdict::Kept, "silencieux": account.statement.absent,
            "verdict": verdict, "motif": motive, "contre": against, "rang": self.rank(account),
            "politique": self.policy(account).map(place), "provenance": origin,
            "fichier": origin.and_then(|origin| self.library.filename(origin)), "regle": rule.map(place),
        })
    }

    /// Where the policy places the source, 1 before all others.
    fn rank(&self, account: &Account<'_>) -> usize {
        self.precedence.rank(&account.statement.source, account.ranked_by) + 1
    }

    /// Where the policy says what decided.
    fn policy(&self, account: &Account<'_>) -> Option<Place> {
        match account.verdict {
            Verdict::Lost(_, Criterion::Preference) => Some(self.library.preference(self.precedence)),
            Verdict::Kept | Verdict::Lost(_, Criterion::Authority) => {
                Some(self.library.authority(self.precedence, account.ranked_by))
            }
            _ => None,
        }
    }

    fn print(&self, one: &Told<'_>, all: &[Told<'_>]) {
        let kept = one.account.verdict == Verdict::Kept;
        let heading = match one.account.verdict {
            Verdict::Kept => either("retenue", "kept"),
            Verdict::United => either("réunie", "united"),
            _ => either("non retenue", "not kept"),
        };
        let nothing = || either("(ne dit rien de ce champ)", "(states nothing of this field)").to_owned();
        let value = one.stated.map_or_else(nothing, |(value, _)| shown(&value.to_json(self.canon)));
        let colon = either(" :", ":");
        show::line(format_args!("\n  {heading}{colon} {}", value.replace('\n', "\n    ")));
        let why = if kept {
            reasons(&one.account, all)
        } else {
            motive(one.account.statement, one.account.verdict)
        };
        let policy = self.policy(&one.account).filter(|_| !kept || all.len() > 1);
        let policy = policy.map(|place| format!(" ({place})")).unwrap_or_default();
        show::line(format_args!("    {}{why}{policy}", either("parce que : ", "because: ")));
        if one.account.statement.absent {
            show::line(format_args!(
                "    {}",
                either("son émetteur ne la dit plus", "its emitter states it no more")
            ));
        }
        if let Some((_, origin)) = one.stated {
            self.stated_by(origin);
        }
    }

    fn stated_by(&self, origin: &Origin) {
        let Origin { source, emitter, record, line, delivery, mapping, valid_at } = origin;
        let file = name(self.library.filename(origin));
        let place = if origin.is_passed_on() {
            either(format!("{file}, donné à la ligne {line}"), format!("{file}, given away on line {line}"))
        } else if *record == 0 {
            either(format!("absence dans {file}"), format!("absence from {file}"))
        } else {
            either(
                format!("{file}, enregistrement {record}, ligne {line}"),
                format!("{file}, record {record}, line {line}"),
            )
        };
        let rule = match self.library.rule(self.field, origin) {
            Ok(place) => either(format!("règle : {place}"), format!("rule: {place}")),
            Err(reason) => either(format!("règle inconnue : {reason}"), format!("rule unknown: {reason}")),
        };
        for line in [
            either(
                format!("{source}, {emitter}, depuis le {valid_at}"),
                format!("{source}, {emitter}, since {valid_at}"),
            ),
            place,
            either(format!("livraison {delivery}"), format!("delivery {delivery}")),
            format!("{mapping}, {rule}"),
        ] {
            show::line(format_args!("    {line}"));
        }
    }
}

/// What the value kept has that the others have not.
fn reasons(kept: &Account<'_>, all: &[Told<'_>]) -> String {
    let beaten = |told: &Told<'_>| match told.account.verdict {
        Verdict::Lost(to, by) if std::ptr::eq(to, kept.statement) => Some(by),
        _ => None,
    };
    let mut reasons: Vec<&str> = all.iter().filter_map(beaten).map(advantage).collect();
    reasons.dedup();
    if reasons.is_empty() {
        return either("rien ne la contredit", "nothing speaks against it").to_owned();
    }
    reasons.join(", ")
}

/// What one has over another.
fn advantage(by: Criterion) -> &'static str {
    match by {
        Criterion::Doubt => either("son NIR n'est pas provisoire", "its NIR is not provisional"),
        Criterion::Unsure => {
            either("son NIR est certifié, ou dit avec sa clé", "its NIR is certified, or stated with its key")
        }
        Criterion::Authority => either("sa source passe avant", "its source is believed first"),
        Criterion::Standing => either("elle est toujours dite", "it is stated still"),
        Criterion::Preference => either("la politique la préfère", "the policy prefers it"),
        Criterion::Recency => either("elle est plus récente", "it is more recent"),
        Criterion::Arrival => {
            either("de même date, elle a été dite en dernier", "of the same date, it was stated last")
        }
        Criterion::Run => either("elle a été relue en dernier", "it was read last"),
        Criterion::Content => either("rien ne les départage", "nothing tells them apart"),
    }
}
