//! Cases of the xml format, each rule a table.
