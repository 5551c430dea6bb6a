//! A page as Markdown.
//!
//! A page enters, text leaves; a bar inside a cell does not end it.

use super::{Page, Row};
use crate::workbench::put;

/// Writes a page as Markdown.
pub fn to_markdown(page: &Page) -> String {
    let mut text = format!("# {}\n\n`{}`\n", page.title, page.name);
    for (heading, facts) in &page.chapters {
        put(&mut text, format_args!("\n## {heading}\n\n"));
        for (name, fact) in facts {
            put(&mut text, format_args!("- **{name}** : {fact}\n"));
        }
    }
    put(&mut text, format_args!("\n## {}\n", page.tongue.fields()));
    for section in &page.sections {
        put(&mut text, format_args!("\n### {}\n\n{}\n\n", section.name, section.description));
        table_head(&mut text, &page.tongue.headings());
        for row in &section.rows {
            put(&mut text, format_args!("{}", row_of(page, row)));
        }
    }
    if !page.lists.is_empty() {
        put(&mut text, format_args!("\n## {}\n", page.tongue.lists()));
    }
    for list in &page.lists {
        put(&mut text, format_args!("\n### {}\n\n", page.tongue.list(&list.name)));
        table_head(&mut text, &page.tongue.list_headings());
        for [code, value, label] in &list.entries {
            put(&mut text, format_args!("| `{}` | `{}` | {} |\n", cell(code), cell(value), cell(label)));
        }
    }
    let [heading, some, none] = page.tongue.unread();
    let told = if page.unread.is_empty() { none } else { some };
    put(&mut text, format_args!("\n## {heading}\n\n{told}\n"));
    if !page.unread.is_empty() {
        text.push('\n');
    }
    for field in &page.unread {
        put(&mut text, format_args!("- `{}`\n", cell(field)));
    }
    text
}

fn table_head(text: &mut String, headings: &[String]) {
    put(text, format_args!("| {} |\n|{}\n", headings.join(" | "), "---|".repeat(headings.len())));
}

fn row_of(page: &Page, row: &Row) -> String {
    let list = row.list.as_ref().map(|name| page.tongue.list(name));
    let done: Vec<String> = row.done.iter().cloned().chain(list).collect();
    let classification = page.tongue.classification(row.classification);
    format!(
        "| `{}` ({classification})<br>{} | {} | {} | {} |\n",
        row.field,
        cell(&row.description),
        cell(&row.from),
        cell(&done.join("<br>")),
        cell(&row.otherwise.join("<br>"))
    )
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\r', "").replace('\n', "<br>")
}
