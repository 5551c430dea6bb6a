//! A page as one HTML file that needs no other: real headings, tables whose headers have a scope, a style for print.
//!
//! A page enters, HTML leaves; all that is quoted is escaped.

use hub_core::canonical::Classification;

use super::words::Tongue;
use super::{List, Page, Row, Section};
use crate::workbench::put;

const STYLE: &str = include_str!("page.css");

/// Writes a page as HTML.
pub fn to_html(page: &Page) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
<body>\n<header>\n<p class=\"name\">{}</p>\n<h1>{}</h1>\n</header>\n<main>\n",
        page.tongue.code(),
        escaped(&page.title),
        escaped(&page.name),
        escaped(&page.title),
    );
    contents(&mut html, page);
    for (at, (heading, facts)) in page.chapters.iter().enumerate() {
        put(&mut html, format_args!("<h2 id=\"chapter-{at}\">{}</h2>\n<dl>\n", inline(heading)));
        for (name, fact) in facts {
            put(&mut html, format_args!("<div><dt>{}</dt><dd>{}</dd></div>\n", inline(name), inline(fact)));
        }
        html.push_str("</dl>\n");
    }
    put(&mut html, format_args!("<h2 id=\"fields\">{}</h2>\n", inline(&page.tongue.fields())));
    for section in &page.sections {
        section_of(&mut html, section, page.tongue);
    }
    if !page.lists.is_empty() {
        put(&mut html, format_args!("<h2 id=\"lists\">{}</h2>\n", inline(&page.tongue.lists())));
    }
    for list in &page.lists {
        list_of(&mut html, list, page.tongue);
    }
    unread(&mut html, page);
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn contents(html: &mut String, page: &Page) {
    let label = page.tongue.say("Sommaire", "Contents");
    put(html, format_args!("<nav aria-label=\"{label}\">\n<ul>\n"));
    let mut link = |target: &str, words: &str| {
        put(html, format_args!("<li><a href=\"#{target}\">{}</a></li>\n", inline(words)));
    };
    page.chapters.iter().enumerate().for_each(|(at, (heading, _))| link(&format!("chapter-{at}"), heading));
    link("fields", &page.tongue.fields());
    if !page.lists.is_empty() {
        link("lists", &page.tongue.lists());
    }
    let [heading, ..] = page.tongue.unread();
    link("unread", &heading);
    html.push_str("</ul>\n</nav>\n");
}

fn section_of(html: &mut String, section: &Section, tongue: Tongue) {
    let name = escaped(&section.name);
    put(html, format_args!("<h3 id=\"{name}\">{name}</h3>\n"));
    table_head(html, (&inline(&section.description), &tongue.headings()), "fields");
    for row in &section.rows {
        row_of(html, row, tongue);
    }
    html.push_str("</tbody>\n</table></div>\n");
}

fn row_of(html: &mut String, row: &Row, tongue: Tongue) {
    let class = match row.classification {
        Classification::Identifying => "identifying",
        Classification::Sensitive => "sensitive",
        Classification::Ordinary => "ordinary",
    };
    let member = if row.field.contains("[]") { " class=\"member\"" } else { "" };
    // A long path breaks after a dot.
    let field = escaped(&row.field).replace('.', ".<wbr>");
    let list = row.list.as_ref().map(|name| {
        let name = escaped(name);
        format!("<a href=\"#list-{name}\">{}</a>", inline(&tongue.list(&name)))
    });
    let done: Vec<String> = row.done.iter().map(|words| inline(words)).chain(list).collect();
    let otherwise: Vec<String> = row.otherwise.iter().map(|words| inline(words)).collect();
    put(
        html,
        format_args!(
            "<tr{member}><th scope=\"row\"><code>{field}</code> <span class=\"tag {class}\">{}</span>\
<span class=\"what\" lang=\"fr\">{}</span></th>",
            tongue.classification(row.classification),
            escaped(&row.description),
        ),
    );
    let cells = [inline(&row.from), done.join("<br>"), otherwise.join("<br>")];
    let [_, labels @ ..] = tongue.headings();
    for (label, cell) in labels.iter().zip(cells) {
        put(html, format_args!("<td data-label=\"{}\">{cell}</td>", escaped(label)));
    }
    html.push_str("</tr>\n");
}

fn list_of(html: &mut String, list: &List, tongue: Tongue) {
    put(
        html,
        format_args!("<h3 id=\"list-{}\">{}</h3>\n", escaped(&list.name), inline(&tongue.list(&list.name))),
    );
    table_head(html, ("", &tongue.list_headings()), "codes");
    for [code, value, label] in &list.entries {
        let (code, value, label) = (escaped(code), escaped(value), escaped(label));
        put(
            html,
            format_args!(
                "<tr><th scope=\"row\"><code>{code}</code></th><td><code>{value}</code></td><td lang=\"fr\">{label}</td></tr>\n"
            ),
        );
    }
    html.push_str("</tbody>\n</table></div>\n");
}

fn unread(html: &mut String, page: &Page) {
    let [heading, some, none] = page.tongue.unread();
    put(
        html,
        format_args!(
            "<h2 id=\"unread\">{}</h2>\n<p>{}</p>\n",
            inline(&heading),
            inline(if page.unread.is_empty() { &none } else { &some })
        ),
    );
    if !page.unread.is_empty() {
        html.push_str("<ul class=\"unread\">\n");
        for field in &page.unread {
            put(html, format_args!("<li><code>{}</code></li>\n", escaped(field)));
        }
        html.push_str("</ul>\n");
    }
}

/// Opens a table; wide ones scroll by themselves, also by keyboard.
fn table_head(html: &mut String, (caption, headings): (&str, &[String]), class: &str) {
    put(html, format_args!("<div class=\"wide\" tabindex=\"0\"><table class=\"{class}\">\n"));
    if !caption.is_empty() {
        put(html, format_args!("<caption lang=\"fr\">{caption}</caption>\n"));
    }
    html.push_str("<thead><tr>");
    for heading in headings {
        put(html, format_args!("<th scope=\"col\">{}</th>", inline(heading)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
}

/// Escapes a text whose code stands between backquotes.
fn inline(text: &str) -> String {
    let piece = |(at, piece): (usize, &str)| {
        if at % 2 == 0 {
            return escaped(piece).replace('\n', "<br>");
        }
        // A long path breaks after a slash, but for the first.
        let (first, rest) = piece.split_at(usize::from(piece.starts_with('/')));
        format!("<code>{first}{}</code>", escaped(rest).replace('/', "/<wbr>"))
    };
    text.split('`').enumerate().map(piece).collect()
}

/// Escapes a text; French quotes, semicolons and colons do not stand alone at the end or start of a line.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    [("« ", "«\u{a0}"), (" »", "\u{a0}»"), (" ;", "\u{a0};"), (" :", "\u{a0}:")]
        .into_iter()
        .fold(text, |text, (loose, tied)| text.replace(loose, tied))
}
