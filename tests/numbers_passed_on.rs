//! Numbers that name two persons: in one file, from one file to the next, or none where only name and birth tell: each is told.

use crate::support::extracts::{Hub, codes, figures};

fn list(rows: &[&str]) -> Vec<u8> {
    let head = "N° CAF;Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;CP Ville;NIR;ID IODAS\n";
    format!("{head}{}\n", rows.join("\n")).into_bytes()
}

#[test]
fn namesakes_of_one_birth_on_a_list_without_numbers_are_told_where_a_nir_or_a_dossier_tells_them_apart() {
    for (row, expected) in [
        ("4300005;Martin;Jeanne;04/07/1985;10000 Troyes;;", vec!["DLN0119"]),
        (";Martin;Jeanne;04/07/1985;10000 Troyes;2850710387001;", vec!["DLN0119"]),
        // The same person, of whom the second row says more.
        ("4300004;Martin;Jeanne;04/07/1985;10000 Troyes;;", vec![]),
    ] {
        let hub = Hub::fresh();
        let first = "4300004;Martin;Jeanne;04/07/1985;52000 Chaumont;2850752121001;";
        let report = hub.deliver("departement", "1.csv", &list(&[first, row]));
        assert_eq!(codes(&report), expected, "{row}");
    }
}

#[test]
fn a_number_that_named_somebody_else_the_night_before_is_told_and_one_corrected_is_not() {
    let before = ";Martin;Jeanne;04/07/1985;52000 Chaumont;;SI-4";
    for (row, persons, expected) in [
        (";Ouazzani;Karim;01/09/1979;52000 Chaumont;;SI-4", 1, vec!["DLN0320"]),
        (";Martinet;Jeanne;04/07/1985;52000 Chaumont;;SI-4", 0, vec![]),
    ] {
        let hub = Hub::fresh();
        hub.deliver("departement", "1.csv", &list(&[before]));
        let report = hub.deliver("departement", "2.csv", &list(&[row]));
        assert_eq!((figures(&report, ["persons"]), codes(&report)), ([persons], expected), "{row}");
    }
}
