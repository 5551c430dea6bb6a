//! A mapping as a page for those who read no YAML: what the feed is, who the person is, where each field comes from.
//!
//! A mapping's text, the code lists beside it and the canonical schema enter; a page leaves, as Markdown or as HTML.

mod facts;
mod html;
mod markdown;
mod rows;
mod transformations;
mod words;

use hub_core::canonical::{Canon, Classification};
use serde_json::{Map, Value as Json};

use crate::mappings::{MappingFiles, PERSON_SCHEMA};

pub use html::to_html;
pub use markdown::to_markdown;
pub use words::Tongue;

/// A page; texts hold code between backquotes.
#[derive(Debug)]
pub struct Page {
    /// The language of its own words. Descriptions are French.
    pub tongue: Tongue,
    /// What the mapping is.
    pub title: String,
    /// Its name and version, `caf/vrsb0801@1`.
    pub name: String,
    /// The feed, then the person: a heading, and facts with their name.
    pub chapters: Vec<(String, Vec<(String, String)>)>,
    /// The fields, by section of the canonical record.
    pub sections: Vec<Section>,
    /// The code lists.
    pub lists: Vec<List>,
    /// Fields of the cases' inputs that no rule reads.
    pub unread: Vec<String>,
}

/// A section of the canonical record.
#[derive(Debug)]
pub struct Section {
    /// Its name, `identite`.
    pub name: String,
    /// What the schema says of it.
    pub description: String,
    /// Its fields.
    pub rows: Vec<Row>,
}

/// A canonical field, in words.
#[derive(Debug)]
pub struct Row {
    /// Its path.
    pub field: String,
    /// What the schema says of it.
    pub description: String,
    /// Who may read it.
    pub classification: Classification,
    /// Where it comes from.
    pub from: String,
    /// What is done to the text.
    pub done: Vec<String>,
    /// Its code list.
    pub list: Option<String>,
    /// What happens when it is missing or wrong.
    pub otherwise: Vec<String>,
}

/// A code list.
#[derive(Debug)]
pub struct List {
    /// Its name.
    pub name: String,
    /// Code, value, label.
    pub entries: Vec<[String; 3]>,
}

/// Makes the page of a mapping that compiles, from its text. `unread` comes from its coverage.
///
/// # Errors
/// When the text is not YAML.
pub fn page(
    files: &MappingFiles,
    canon: &Canon,
    (id, unread): (&str, Vec<String>),
    tongue: Tongue,
) -> anyhow::Result<Page> {
    let mapping = mapping(files, id)?;
    let schema: Json = serde_json::from_str(PERSON_SCHEMA)?;
    let sections = rows::sections(&mapping, canon, &schema, tongue);
    let mut names: Vec<&String> =
        sections.iter().flat_map(|section| &section.rows).filter_map(|row| row.list.as_ref()).collect();
    names.sort();
    names.dedup();
    let lists = names.into_iter().map(|name| list(files, id, name)).collect();
    let title = Some(text_of(&mapping, "title")).filter(|title| !title.is_empty());
    Ok(Page {
        tongue,
        title: title.unwrap_or_else(|| id.to_owned()),
        name: format!("{id}@{}", text_of(&mapping, "version")),
        chapters: facts::chapters(&mapping, tongue),
        sections,
        lists,
        unread,
    })
}

/// A mapping as it is written, with the sections of the one it extends that it does not write itself.
fn mapping(files: &MappingFiles, id: &str) -> anyhow::Result<Json> {
    let read = |id: &str| serde_saphyr::from_str(files.text(&format!("{id}.yaml")).unwrap_or_default());
    let mut mapping: Json = read(id)?;
    let base: Json = match mapping.get("extends") {
        Some(base) => read(&scalar(base))?,
        None => Json::Null,
    };
    if let (Some(own), Json::Object(base)) = (mapping.as_object_mut(), base) {
        for (section, written) in base {
            own.entry(section).or_insert(written);
        }
    }
    Ok(mapping)
}

fn list(files: &MappingFiles, id: &str, name: &str) -> List {
    let text = files.code_list(id, name).map(|(_, text)| text).unwrap_or_default();
    let entry = |line: &str| {
        let mut cells = line.splitn(3, ';').map(|cell| cell.trim().trim_matches('"').to_owned());
        [0; 3].map(|_| cells.next().unwrap_or_default())
    };
    let entries = text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(entry).collect();
    List { name: name.to_owned(), entries }
}

/// A scalar as it was meant: YAML makes numbers and booleans of some.
fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

fn text_of(object: &Json, key: &str) -> String {
    object.get(key).map(scalar).unwrap_or_default()
}

/// The elements of a list; a scalar counts as a list of one.
fn elements(value: Option<&Json>) -> Vec<&Json> {
    match value {
        Some(Json::Array(items)) => items.iter().collect(),
        None | Some(Json::Null) => Vec::new(),
        Some(one) => vec![one],
    }
}

fn members(value: Option<&Json>) -> Option<&Map<String, Json>> {
    value.and_then(Json::as_object)
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::docs::to_html;

    fn of(id: &str, tongue: Tongue) -> Page {
        let canon = Canon::from_schema(PERSON_SCHEMA).expect("the schema");
        page(&MappingFiles::built_in(), &canon, (id, vec!["X|Y".to_owned()]), tongue).expect("a page")
    }

    #[test]
    fn a_page_says_in_words_what_the_mapping_does() {
        let page = to_markdown(&of("caf/vrsb0801", Tongue::French));
        for said in [
            "# Bénéficiaires du RSA, flux CNAF VRSB0801",
            "`NATFLUX` vaut « D »",
            "`Prestations[NATPREST=RSA]/ROLEPERS`",
            "l'enregistrement est refusé",
            "mis bout à bout",
            "date écrite `AAAA-MM-JJ`",
            "« HOR »",
            "X\\|Y",
        ] {
            assert!(page.contains(said), "{said}\n{page}");
        }
        let msa = to_markdown(&of("msa/vrsb0801", Tongue::French));
        for inherited in ["`Racine/InfosFoyerRSA`", "`identite.nir`", "Liste `civilite`", "| `MR` |"] {
            assert!(msa.contains(inherited), "{inherited}\n{msa}");
        }
        let english = to_markdown(&of("departement/rdv-insertion", Tongue::English));
        assert!(english.contains("the record is refused"), "{english}");
    }

    #[test]
    fn a_page_of_html_stands_by_itself_and_escapes_what_it_quotes() {
        let mut page = of("caf/vrsb0801", Tongue::French);
        page.title = "A & <b>".to_owned();
        let html = to_html(&page);
        assert!(html.starts_with("<!doctype html>\n<html lang=\"fr\">"), "{html}");
        assert!(html.contains("<h1>A &amp; &lt;b&gt;</h1>"));
        assert!(html.contains("<th scope=\"col\">") && html.contains("<th scope=\"row\""));
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"));
        assert_eq!(html.matches("<table").count(), html.matches("</table>").count());
    }
}
