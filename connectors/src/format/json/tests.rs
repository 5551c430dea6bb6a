//! Cases of the json format, each rule a table.
