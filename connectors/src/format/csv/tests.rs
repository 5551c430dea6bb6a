//! Cases of the csv format, each rule a table.
