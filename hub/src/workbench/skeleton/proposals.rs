//! Which canonical field a source's field may be: from its name, else from the shape of its values.
//!
//! A name or a shape enters, the path of a canonical field leaves. A proposal is to be verified: nobody knows what is in a column.

use hub_core::connector::fold_header;

use super::shape::Shape;
use super::{Sample, SourceField};

/// Canonical fields with the names sources give them, letters and digits alone.
const NAMES: &[(&str, &[&str])] = &[
    (
        "identite.nom_naissance",
        &["nomnaissance", "nomdenaissance", "nomnai", "nomjeunefille", "nomdejeunefille", "nompatronymique"],
    ),
    (
        "identite.nom_usage",
        &[
            "nom",
            "nomusage",
            "nomdusage",
            "nomusuel",
            "nomdefamille",
            "nommarital",
            "nombeneficiaire",
            "lastname",
            "nomallocataire",
        ],
    ),
    (
        "identite.prenoms",
        &["prenom", "prenoms", "prenombeneficiaire", "firstname", "prenomallocataire", "lisprenoms"],
    ),
    (
        "identite.date_naissance",
        &[
            "datenaissance",
            "datedenaissance",
            "neele",
            "nele",
            "dtnai",
            "ddn",
            "datenais",
            "naissance",
            "birthdate",
            "dob",
        ],
    ),
    (
        "identite.lieu_naissance",
        &[
            "lieunaissance",
            "lieudenaissance",
            "nomcomnai",
            "communenaissance",
            "communedenaissance",
            "villenaissance",
        ],
    ),
    (
        "identite.nir",
        &[
            "nir",
            "numerosecuritesociale",
            "nsecuritesociale",
            "numsecu",
            "numerodesecuritesociale",
            "nss",
            "numerosecu",
            "nsecu",
        ],
    ),
    ("identite.civilite", &["civilite", "qual", "titre", "civ"]),
    ("identite.sexe", &["sexe", "genre", "gender"]),
    (
        "identifiants.numero_allocataire",
        &[
            "matricule",
            "numeroallocataire",
            "nallocataire",
            "ncaf",
            "numerocaf",
            "numeroallocatairecafmsa",
            "ncafmsa",
            "numallocataire",
        ],
    ),
    ("identifiants.numero_demande_rsa", &["numdemrsa", "numerodemandersa", "ndemandersa", "numerodemande"]),
    (
        "identifiants.identifiant_ft",
        &[
            "identifiantpoleemploi",
            "identifiantfrancetravail",
            "idfrancetravail",
            "idpoleemploi",
            "idassedic",
            "numerofrancetravail",
            "identifiantft",
            "idft",
        ],
    ),
    ("identifiants.identifiant_ft_uuid", &["identifiantuniquede"]),
    (
        "contacts.telephones",
        &[
            "telephone",
            "tel",
            "portable",
            "mobile",
            "telephoneportable",
            "telephonemobile",
            "telephonefixe",
            "ntelephone",
            "ntelephones",
            "numerotelephone",
            "numtel",
            "telportable",
            "telfixe",
            "phone",
        ],
    ),
    (
        "contacts.courriels",
        &[
            "email",
            "mail",
            "courriel",
            "adressemail",
            "adressesmails",
            "adresseelectronique",
            "adressecourriel",
            "mel",
        ],
    ),
    ("adresse.voie", &["adresse", "voie", "rue", "adresse1", "adressevoie", "adressepostale", "lignevoie"]),
    (
        "adresse.complement",
        &["complementadresse", "adressecomplement", "complementdadresse", "adresse2", "compladr"],
    ),
    ("adresse.code_postal", &["codepostal", "cp", "codepos", "zipcode"]),
    ("adresse.commune", &["ville", "commune", "localite", "nomcom", "city"]),
    ("adresse.commune_insee", &["codeinsee", "insee", "codecommune", "codecommuneinsee", "numcom"]),
    ("foyer.role", &["role", "rolepers"]),
    ("droits.rsa.etat", &["etatdosrsa", "droitsrsa", "etatdroitrsa"]),
    ("droits.rsa.date_demande", &["dtdemrsa", "datedemandersa", "datededemandersa"]),
    ("droits.rsa.date_ouverture", &["dateouverturedroits", "datedouverturedesdroits", "dtodrsa"]),
    ("inscription_emploi.date_inscription", &["dateinscription", "datedinscription"]),
    ("parcours.structure.nom", &["structure", "nomstructure", "structureprincipale", "structprincipale"]),
    ("parcours.structure.siret", &["siret", "siretstructure"]),
    (
        "parcours.referent.nom",
        &[
            "referent",
            "referents",
            "nomreferent",
            "referentnom",
            "conseiller",
            "accompagnateur",
            "accompagnateurs",
        ],
    ),
    ("parcours.referent.prenom", &["prenomreferent", "referentprenom"]),
    ("parcours.referent.courriel", &["mailreferent", "emailreferent", "referentmail", "referentemail"]),
    ("parcours.niveau_formation", &["niveauformation", "niveaudeformation", "nivetu"]),
];

/// Words headers are made of, besides those names.
const WORDS: &[&str] = &[
    "date",
    "code",
    "id",
    "identifiant",
    "numero",
    "num",
    "no",
    "nom",
    "prenom",
    "libelle",
    "lib",
    "type",
    "statut",
    "situation",
    "adresse",
    "ville",
    "motif",
    "categorie",
    "niveau",
    "structure",
    "referent",
    "departement",
    "age",
    "sexe",
    "droits",
    "montant",
    "commentaire",
    "observations",
    "telephone",
    "email",
    "nature",
    "debut",
    "fin",
    "dossier",
    "organisme",
    "agence",
    "rome",
];

/// Fields filled from a code list, which is to be written first.
const CODED: &[&str] =
    &["identite.civilite", "identite.sexe", "foyer.role", "droits.rsa.etat", "parcours.niveau_formation"];

/// Letters and digits alone, folded.
fn bare(name: &str) -> String {
    fold_header(name).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The canonical field a name proposes.
pub(super) fn by_name(name: &str) -> Option<&'static str> {
    let bare = bare(name.trim_start_matches('@'));
    let named = |bare: &str| NAMES.iter().find(|(_, names)| names.contains(&bare)).map(|(field, _)| *field);
    // `telephone_2` is a telephone.
    let unnumbered = || named(bare.trim_end_matches(|c: char| c.is_ascii_digit()));
    named(&bare).or_else(|| unnumbered().filter(|field| field.starts_with("contacts.")))
}

fn by_shape(shape: Option<Shape>) -> Option<&'static str> {
    match shape? {
        Shape::Nir => Some("identite.nir"),
        Shape::Email => Some("contacts.courriels"),
        Shape::Phone => Some("contacts.telephones"),
        _ => None,
    }
}

/// Whether a cell is such as headers are made of.
pub(super) fn is_a_word_of_headers(cell: &str) -> bool {
    let folded = fold_header(cell);
    let mut words = folded.split(|c: char| !c.is_ascii_alphanumeric());
    by_name(cell).is_some() || words.any(|word| WORDS.contains(&word))
}

/// A source's field that may fill a canonical one.
#[derive(Debug)]
pub(super) struct Proposal<'s> {
    pub canonical: &'static str,
    pub field: &'s SourceField,
    /// Why: the name, else the shape.
    pub named: bool,
    /// Its values have another shape than the field wants.
    pub doubtful: bool,
    /// A code list is to be written first.
    pub coded: bool,
}

/// The proposals for a sample, in the order of the source; a canonical field once, but for repeated groups.
pub(super) fn of(sample: &Sample) -> Vec<Proposal<'_>> {
    let mut found: Vec<Proposal<'_>> = Vec::new();
    // Names first: a shape must not take the place of a name further on.
    for named in [true, false] {
        for field in sample.fields.iter().filter(|field| readable(sample, field)) {
            let last = field.last(sample.delimited());
            let proposed = if named { by_name(last) } else { by_shape(field.shape) };
            let Some(canonical) = proposed else { continue };
            let group = canonical.starts_with("contacts.");
            let taken = |p: &Proposal<'_>| p.field.name == field.name || (p.canonical == canonical && !group);
            if !found.iter().any(taken) {
                // A schema says that a text is one, not of which shape.
                let seen = field.shape.filter(|_| sample.records > 0);
                let doubtful = seen.is_some_and(|shape| contradicts(canonical, shape));
                let coded = CODED.contains(&canonical);
                found.push(Proposal { canonical, field, named, doubtful, coded });
            }
        }
    }
    found
}

fn contradicts(canonical: &str, shape: Shape) -> bool {
    let date = matches!(shape, Shape::IsoDate | Shape::FrenchDate);
    match canonical {
        "identite.nir" => shape != Shape::Nir,
        "adresse.code_postal" => !matches!(shape, Shape::Postcode | Shape::Digits),
        "contacts.courriels" | "parcours.referent.courriel" => shape != Shape::Email,
        "contacts.telephones" => !matches!(shape, Shape::Phone | Shape::Digits),
        name if name.contains("date_") => !date,
        _ => date || matches!(shape, Shape::Email | Shape::Nir),
    }
}

/// Whether a rule can name the field: paths know letters, digits and a few signs.
pub(super) fn readable(sample: &Sample, field: &SourceField) -> bool {
    let name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.@:".contains(c));
    sample.delimited() || field.name.split('/').all(name)
}
