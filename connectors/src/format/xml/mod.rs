//! XML deliveries: a wrapper (root, header, trailer) around many records of one element.
//!
//! `frame` cuts records out by scanning bytes for their tags, `wrapper` parses strictly what stands around them, and
//! `decode` parses one record strictly, keeping only the names a mapping reads. No document type is ever accepted.

mod decode;
mod frame;
mod scan;
#[cfg(test)]
mod tests;
mod wrapper;

use std::io::Read;

use hub_core::code::Code;
use hub_core::connector::{Dialect, Fault, Layout, Opened};

use super::cut::Cutter;
use super::text::Text;

/// Opens an XML delivery: reads up to the first record.
pub(crate) fn open(bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault> {
    let Layout::Xml { record, header, trailer } = &dialect.layout else {
        return Err(Fault::new(Code::NotTheFormat, "expected an XML layout"));
    };
    let decoder = decode::XmlDecoder::new(&dialect.names, dialect.limits);
    let wrapper = wrapper::Wrapper::new(record, header.as_deref(), trailer.as_deref(), decoder.clone());
    let text = Text::open(bytes, dialect.encoding.as_deref(), true)?;
    let cut = frame::XmlCut::open(text, wrapper, dialect.limits)?;
    Ok(Opened { framer: Box::new(Cutter::new(cut)), decoder: Box::new(decoder), columns: None })
}

/// What is wrong with XML, without quoting it: a broken tag may hold a value.
fn describe(error: &quick_xml::Error) -> Fault {
    use quick_xml::Error;
    use quick_xml::errors::IllFormedError;
    let detail = match error {
        Error::Syntax(_) => "found markup that is not closed",
        Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => "found an end tag without its start tag",
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => "found the end tag of another element",
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "found `--` inside a comment",
        Error::IllFormed(IllFormedError::UnclosedReference) => "found `&` without its `;`",
        Error::InvalidAttr(_) => "found an attribute that is not well-formed",
        Error::Escape(_) => {
            return Fault::new(Code::EntityRefused, "found a reference to no known character");
        }
        _ => "found markup that is not well-formed",
    };
    Fault::new(Code::MalformedXml, detail)
}
