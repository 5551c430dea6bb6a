//! Reads the canonical JSON Schema into the table of fields.
//!
//! Schema text enters, fields in schema order leave. Annotations `x-type`, `x-classification`, `x-bloc`, `x-evenement`,
//! `x-qualifie`, `x-passe` and `x-indivisible` carry what JSON Schema has no word for; `x-bloc`, `x-indivisible` and `x-evenement` are
//! inherited by what stands below.

use serde_json::{Map, Value as Json};

use super::{Category, Classification, Field, FieldId, Kind};

/// The canonical schema does not say what the hub needs.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Not JSON.
    #[error("the canonical schema is not JSON")]
    Json(#[from] serde_json::Error),
    /// An annotation is missing or unknown.
    #[error("canonical field `{path}`: `{annotation}` is missing or unknown")]
    Annotation {
        /// Field path.
        path: String,
        /// Annotation name.
        annotation: &'static str,
    },
}

pub(super) fn read(text: &str) -> Result<Vec<Field>, SchemaError> {
    let schema: Json = serde_json::from_str(text)?;
    let mut reader = Reader { fields: Vec::new(), blocks: 0 };
    reader.object(
        &schema,
        "",
        Scope { category: Category::Personne, block: None, indivisible: false, list: None },
    )?;
    Ok(reader.fields)
}

#[derive(Clone, Copy)]
struct Scope {
    category: Category,
    block: Option<u16>,
    indivisible: bool,
    list: Option<FieldId>,
}

struct Reader {
    fields: Vec<Field>,
    blocks: u16,
}

impl Reader {
    fn object(&mut self, schema: &Json, prefix: &str, scope: Scope) -> Result<(), SchemaError> {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
        for (name, property) in properties {
            let path = format!("{prefix}{name}");
            let scope = Scope { category: category(property, scope.category), ..scope };
            match property.get("type").and_then(Json::as_str) {
                Some("object") => {
                    let block = if says(property, "x-bloc") { Some(self.new_block()) } else { scope.block };
                    let indivisible = scope.indivisible || says(property, "x-indivisible");
                    self.object(property, &format!("{path}."), Scope { block, indivisible, ..scope })?;
                }
                Some("array") => self.array(property, &path, scope)?,
                _ => self.leaf(property, path, scope)?,
            }
        }
        Ok(())
    }

    fn array(&mut self, property: &Json, path: &str, scope: Scope) -> Result<(), SchemaError> {
        let block = scope.block.unwrap_or_else(|| self.new_block());
        let id = FieldId(u16::try_from(self.fields.len()).unwrap_or(u16::MAX));
        self.fields.push(Field {
            path: path.to_owned(),
            kind: Kind::List,
            classification: classification(property).unwrap_or(Classification::Ordinary),
            category: scope.category,
            block,
            indivisible: scope.indivisible,
            united: scope.block.is_none(),
            qualifies: None,
            past: false,
            admitted: None,
            list: scope.list,
        });
        let items = property.get("items").unwrap_or(&Json::Null);
        self.object(items, &format!("{path}[]."), Scope { block: Some(block), list: Some(id), ..scope })?;
        let sensitive =
            self.fields.iter().any(|f| f.list == Some(id) && f.classification == Classification::Sensitive);
        if let (true, Some(list)) = (sensitive, self.fields.get_mut(id.0 as usize)) {
            list.classification = Classification::Sensitive;
        }
        Ok(())
    }

    fn leaf(&mut self, property: &Json, path: String, scope: Scope) -> Result<(), SchemaError> {
        let missing = |annotation| SchemaError::Annotation { path: path.clone(), annotation };
        let kind = property.get("x-type").and_then(Json::as_str).and_then(Kind::named);
        let admitted = property
            .get("enum")
            .and_then(Json::as_array)
            .map(|values| values.iter().filter_map(Json::as_str).map(str::to_owned).collect());
        let qualifies = self.qualified(property, &path)?;
        let block =
            qualifies.and_then(|field| self.fields.get(usize::from(field.0))).map(|field| field.block);
        let field = Field {
            kind: kind.ok_or_else(|| missing("x-type"))?,
            classification: classification(property).ok_or_else(|| missing("x-classification"))?,
            category: scope.category,
            block: block.or(scope.block).unwrap_or_else(|| self.new_block()),
            indivisible: scope.indivisible,
            united: false,
            qualifies,
            past: says(property, "x-passe"),
            admitted,
            list: scope.list,
            path,
        };
        self.fields.push(field);
        Ok(())
    }

    /// The sibling before it that a field qualifies, if it says so.
    fn qualified(&self, property: &Json, path: &str) -> Result<Option<FieldId>, SchemaError> {
        let Some(name) = property.get("x-qualifie").and_then(Json::as_str) else { return Ok(None) };
        let sibling = path.rsplit_once('.').map_or(name.to_owned(), |(parent, _)| format!("{parent}.{name}"));
        let at = self.fields.iter().position(|field| field.path == sibling);
        let unknown = || SchemaError::Annotation { path: path.to_owned(), annotation: "x-qualifie" };
        let at = at.and_then(|at| u16::try_from(at).ok()).ok_or_else(unknown)?;
        Ok(Some(FieldId(at)))
    }

    fn new_block(&mut self) -> u16 {
        self.blocks += 1;
        self.blocks
    }
}

fn says(property: &Json, annotation: &str) -> bool {
    property.get(annotation).and_then(Json::as_bool) == Some(true)
}

fn category(property: &Json, inherited: Category) -> Category {
    match property.get("x-evenement").and_then(Json::as_str) {
        Some("personne") => Category::Personne,
        Some("droit") => Category::Droit,
        Some("inscription") => Category::Inscription,
        Some("orientation") => Category::Orientation,
        Some("engagement") => Category::Engagement,
        _ => inherited,
    }
}

fn classification(property: &Json) -> Option<Classification> {
    match property.get("x-classification").and_then(Json::as_str)? {
        "identifiant" => Some(Classification::Identifying),
        "sensible" => Some(Classification::Sensitive),
        "ordinaire" => Some(Classification::Ordinary),
        _ => None,
    }
}
