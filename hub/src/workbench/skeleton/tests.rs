//! Skeletons of small samples: they compile, they read the sample, they keep none of its values.

use hub_core::canonical::Canon;
use hub_core::mapping::Mapping;

use super::*;
use crate::mappings::{MappingFiles, PERSON_SCHEMA};
use crate::workbench::try_mapping;

/// Begins every value of the samples below that is of no shape.
const CANARY: &str = "CANARI";

fn canon() -> Canon {
    Canon::from_schema(PERSON_SCHEMA).expect("the schema")
}

fn compiled(yaml: &str) -> Mapping {
    let compiled = MappingFiles::default().compile_one("essai/flux.yaml", yaml, &canon());
    compiled.unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{yaml}"))
}

const CSV: &str = "N° dossier;Nom*;Prénom*;Né(e) le;NIR;Portable;Mail;CP;Couleur\n\
CANARI-1;CANARINOM;CANARIPRENOM;04/05/1987;1870501001001;0639980123;canari@example.org;01234;CANARIBLEU\n\
CANARI-2;CANARIAUTRE;CANARILEA;05/06/1988;2880601001002;0639980124;canari2@example.org;01235;CANARIVERT\n";

const XML: &str = "<Envoi><Entete><NUM>CANARI-ENTETE</NUM></Entete>\
<Foyer id='CANARI-0'><NUMDOS>CANARI-1</NUMDOS><Personne><NOM>CANARIA</NOM><PRENOM>CANARIB</PRENOM><DTNAI>1987-05-04</DTNAI></Personne>\
<Personne><NOM>CANARIC</NOM><PRENOM>CANARID</PRENOM><DTNAI>1988-05-04</DTNAI></Personne></Foyer>\
<Foyer id='CANARI-9'><NUMDOS>CANARI-2</NUMDOS><Personne><NOM>CANARIE</NOM><PRENOM>CANARIF</PRENOM><DTNAI>1989-05-04</DTNAI></Personne></Foyer>\
<Fin><TOTAL>CANARI-FIN</TOTAL></Fin></Envoi>";

const JSON: &str = r#"{"page":"CANARI-P","resultats":[{"id":"CANARI-1","nom":"CANARIA","prenom":"CANARIB","dateNaissance":"1987-05-04",
"contact":{"email":"canari@example.org"},"par":{"1870501001001":{"x":"CANARI"}}}]}"#;

const BARE: &str =
    "CANARINOM;CANARIPRENOM;1987-05-04;CANARIVILLE\nCANARIAUTRE;CANARILEA;1988-05-04;CANARIBOURG\n";

#[test]
fn a_skeleton_compiles_reads_its_sample_and_keeps_no_value_of_it() {
    for sample in [CSV, XML, JSON, BARE] {
        let looked = look(sample.as_bytes(), None, false).expect("a sample");
        let yaml = to_yaml(&looked, "essai/flux");
        let case = String::from_utf8(input(&looked)).expect("text");
        for kept in [CANARY, "canari", "1987", "87050100", "063998012", "01234"] {
            assert!(!yaml.contains(kept) && !case.contains(kept), "{kept}\n{yaml}\n{case}");
        }
        let mapping = compiled(&yaml);
        for bytes in [sample, &case] {
            let tried = try_mapping(&mapping, &canon(), bytes.as_bytes()).expect("a readable file");
            assert!(!tried.claims.is_empty() && tried.rejects.is_empty(), "{yaml}\n{bytes}");
        }
    }
}

#[test]
fn names_and_shapes_propose_canonical_fields() {
    let yaml = to_yaml(&look(CSV.as_bytes(), None, false).expect("a sample"), "essai/flux");
    for line in [
        "key: [\"N° dossier\"]",
        "identite.nom_usage: \"Nom*\"",
        "identite.date_naissance: \"Né(e) le\"",
        "identite.nir: \"NIR\"",
        "contacts.telephones: {from: [\"Portable\"], split",
        "separator: \";\"",
        "# …: \"Couleur\"  # texte",
    ] {
        assert!(yaml.contains(line), "{line}\n{yaml}");
    }
    let unnamed = CSV.replace("NIR;Portable", "Zone 1;Zone 2");
    let yaml = to_yaml(&look(unnamed.as_bytes(), None, false).expect("a sample"), "essai/flux");
    assert!(yaml.contains("identite.nir: \"Zone 1\"") && yaml.contains("from: [\"Zone 2\"]"), "{yaml}");
}

#[test]
fn the_repeated_element_and_the_persons_in_it_are_found() {
    let yaml = to_yaml(&look(XML.as_bytes(), None, false).expect("a sample"), "essai/flux");
    for line in [
        "record: Envoi/Foyer",
        "header: Envoi/Entete",
        "trailer: Envoi/Fin",
        "each: \"Personne\"",
        "identite.nom_usage: \"NOM\"",
    ] {
        assert!(yaml.contains(line), "{line}\n{yaml}");
    }
    let asked =
        to_yaml(&look(XML.as_bytes(), Some("Envoi/Foyer/Personne"), false).expect("a sample"), "essai/flux");
    assert!(asked.contains("record: Envoi/Foyer/Personne"), "{asked}");
    assert!(look(XML.as_bytes(), Some("Envoi/Rien"), false).is_err());
}

#[test]
fn a_first_line_of_data_names_no_column_unless_it_is_said_to() {
    let looked = look(BARE.as_bytes(), None, false).expect("a sample");
    assert!(to_yaml(&looked, "essai/flux").contains("columns: [colonne_1, colonne_2, colonne_3, colonne_4]"));
    let said = look("Zig;Zag\n1;2\n".as_bytes(), None, true).expect("a sample");
    assert!(to_yaml(&said, "essai/flux").contains("\"Zig\""));
}

#[test]
fn where_nothing_tells_the_person_what_names_the_record_stands_in_for_it() {
    let sample =
        r#"[{"actif":true,"id":"a-1","prenom":"CANARI"},{"actif":true,"id":"a-2","prenom":"CANARI"}]"#;
    let yaml = to_yaml(&look(sample.as_bytes(), None, false).expect("a sample"), "essai/flux");
    assert!(yaml.contains("identifiant_departement: \"id\"  # À REMPLACER"), "{yaml}");
}

const XSD: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>
<xs:element name='Envoi'><xs:complexType><xs:sequence><xs:element ref='Entete'/>
<xs:element ref='Foyer' minOccurs='0' maxOccurs='unbounded'/></xs:sequence></xs:complexType></xs:element>
<xs:element name='Entete'><xs:complexType><xs:sequence><xs:element name='DATE' type='xs:date'/></xs:sequence></xs:complexType></xs:element>
<xs:element name='Foyer'><xs:complexType><xs:sequence><xs:element name='NUMDOS' type='xs:string'/>
<xs:element name='Personne' type='Personne' maxOccurs='unbounded'/><xs:element ref='Foyer'/></xs:sequence>
<xs:attribute name='id' type='xs:integer'/></xs:complexType></xs:element>
<xs:complexType name='Personne'><xs:sequence><xs:element name='NOM'><xs:annotation><xs:documentation>Nom  de
 famille</xs:documentation></xs:annotation></xs:element><xs:element name='PRENOM'/><xs:element name='DTNAI' type='xs:date'/></xs:sequence></xs:complexType>
</xs:schema>";

#[test]
fn a_schema_gives_a_skeleton_too_and_one_that_refers_to_itself_ends() {
    let looked = look_at_schema(XSD.as_bytes(), None).expect("a sample");
    let yaml = to_yaml(&looked, "essai/flux");
    for line in [
        "# Squelette fait d'après un schéma XML.",
        "record: Envoi/Foyer",
        "header: Envoi/Entete",
        "each: \"Personne\"",
        "identite.date_naissance: \"DTNAI\"",
        "/@id",
    ] {
        assert!(yaml.contains(line), "{line}\n{yaml}");
    }
    let mapping = compiled(&yaml);
    assert!(try_mapping(&mapping, &canon(), &input(&looked)).is_ok());
    assert!(look_at_schema(b"<a/>", None).is_err() && look_at_schema(b"<", None).is_err());
}
