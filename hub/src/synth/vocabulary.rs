//! The codes and labels the extracts choose from: all in the hub's code lists, except those a planted fault brings.

/// Activities of the CAF: code, regime, contract.
pub const ACTIVITES: &[(&str, &str, Option<&str>)] = &[
    ("CHO", "GE", None),
    ("CHR", "GE", None),
    ("ANP", "GE", None),
    ("ASS", "GE", None),
    ("CDD", "GE", Some("CDD")),
    ("CDI", "GE", Some("CDI")),
    ("AEN", "GE", Some("AEN")),
    ("APP", "GE", None),
    ("AFA", "AG", None),
    ("AUT", "GE", Some("AUT")),
];

/// Reasons for suspending the payment of a right.
pub const SUSPENSIONS_VERSEMENT: &[&str] = &["01", "05", "06", "35", "36", "44", "70"];
/// Reasons for suspending a right.
pub const SUSPENSIONS_DROIT: &[&str] = &["DB", "DE", "DL", "GC", "GJ", "GK", "GR"];
/// Reasons for closing a right.
pub const CLOTURES: &[&str] = &["PCG", "ECH", "RFD", "RAU"];
/// Family situations of one adult alone.
pub const SEUL: &[&str] = &["CEL", "CEL", "CEL", "DIV", "SEF", "VEU", "ISO"];
/// Family situations of two.
pub const COUPLE: &[&str] = &["MAR", "VIM", "PAC"];

/// Trades: ROME code, label.
pub const METIERS: &[(&str, &str)] = &[
    ("D1106", "Vendeur / Vendeuse en alimentation"),
    ("K2204", "Agent / Agente de propreté"),
    ("N1103", "Préparateur / Préparatrice de commandes"),
    ("G1602", "Cuisinier / Cuisinière"),
    ("K1304", "Aide à domicile"),
    ("A1414", "Horticulteur / Horticultrice"),
    ("H2102", "Conducteur / Conductrice de ligne"),
    ("M1607", "Secrétaire"),
    ("F1703", "Maçon / Maçonne"),
    ("N4105", "Livreur / Livreuse"),
];

/// Actions of France Travail: code, label, training aimed at, course.
pub const ACTIONS: &[(&str, &str, Option<&str>, Option<&str>)] = &[
    ("CEJ", "CONTRAT D'ENGAGEMENT JEUNE", None, None),
    (
        "EFO",
        "FORMATION DANS UN DOMAINE",
        Some("Perfectionnement, élargissement des compétences"),
        Some("VENTE EN ALIMENTATION"),
    ),
    ("EFO", "FORMATION DANS UN DOMAINE", Some("Certification"), Some("CACES 3")),
    ("RDS-SID", "\"ATELIER \"\" PREPARER SON ENTRETIEN \"\"\"", None, None),
    ("AAP", "UNE AUTRE ACTION D'AIDE A LA REALISATION DE PROJET", None, None),
    ("ATL", "ATELIER", None, None),
    ("VAL", "VALORISER SON IMAGE PRO", None, None),
];

/// Ways France Travail accompanies.
pub const MODALITES: &[&str] = &["SUIVI", "GUIDE", "RENFORCE", "GLOBAL"];
/// Why one registered: code, label.
pub const INSCRIPTIONS: &[(&str, &str)] = &[
    ("14", "FIN DE CONTRAT"),
    ("01", "LICENCIEMENT"),
    ("06", "PREMIERE ENTREE"),
    ("09", "REPRISE D'ACTIVITE"),
];
/// What the work is on.
pub const AXES: &[&str] =
    &["ELABORER SON PROJET", "ADAPT MARCHE TRAVAIL", "TECHNIQ. RECH. EMPL.", "CREER ENTREPRISE"];
/// Advisers: title, surname, given name, e-mail.
pub const REFERENTS: &[(&str, &str, &str, &str)] = &[
    ("M.", "ABERLENC", "Hugo", "hugo.aberlenc@example.org"),
    ("MME", "BELLANGER", "Ines", "ines.bellanger@example.org"),
    ("MME", "ODIER", "Paule", "paule.odier@example.org"),
    ("M.", "KERMADEC", "Yvon", "yvon.kermadec@example.org"),
];
/// Situations of the département's file.
pub const SITUATIONS: &[&str] = &[
    "recherche_emploi",
    "recherche_formation",
    "iae",
    "interim",
    "construction_projet",
    "au_foyer",
    "maladie",
];
/// Levels of education.
pub const NIVEAUX: &[&str] = &["AFS", "CP4", "C3A", "C12", "NV5", "NV5", "NV4", "NV3", "NV2"];
/// Organisations of the département.
pub const STRUCTURES: &[&str] =
    &["Maison des solidarités", "CCAS de Chaumont", "Mission locale du Nord", "Espace insertion de Langres"];
