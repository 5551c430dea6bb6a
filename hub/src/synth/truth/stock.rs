//! What surnames are made of, by origin: the commonest ones, which are public facts, and syllables for the long tail.
//!
//! A place in the order of frequency enters, a surname leaves, always the same; those of the tail are nobody's on purpose.

/// Where a name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// France.
    France,
    /// Brittany.
    Bretagne,
    /// The Basque country.
    PaysBasque,
    /// Algeria, Morocco, Tunisia.
    Maghreb,
    /// West Africa.
    Afrique,
    /// Portugal, Spain, Italy.
    Sud,
    /// Turkey.
    Turquie,
    /// Viet Nam.
    Vietnam,
}

/// The surnames of an origin.
#[derive(Debug)]
pub struct Stock {
    /// The commonest, in order of frequency; `_` stands for a space.
    heads: &'static str,
    /// Beginnings, middles and ends of the others.
    parts: [&'static str; 3],
    /// How many share the first part of the order of frequency.
    pub top: u64,
}

/// A stride through the combinations, so that neighbours in frequency do not rhyme; a prime no list's length divides.
const STRIDE: u64 = 1_000_003;

const FRANCE: Stock = Stock {
    heads: "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux David Bertrand \
        Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefèvre Faure André Mercier Blanc Guérin \
        Boyer Garnier Chevalier François Legrand Gauthier Perrin Robin Clément Morin Nicolas Henry Roussel Mathieu Gautier Masson \
        Marchand Duval Denis Dumont Marie Lemaire Noël Meyer Dufour Meunier Brun Blanchard Giraud Joly Rivière Lucas Brunet \
        Gaillard Barbier Arnaud Martinet Gérard Roche Renard Schmitt Roy Leroux Colin Vidal Caron Picard Roger Fabre Aubert Lemoine \
        Renaud Dumas Lacroix Olivier Philippe Bourgeois Pierre Benoît Rey Leclerc Payet Rolland Leclercq Guillaume Lecomte Jean \
        Dupuy Guillot Hubert Berger Carpentier Moulin Louis Huet Deschamps Vasseur Boucher Fleury Royer Klein Jacquet Adam Paris \
        Poirier Marty Aubry Guyot Carré Charles Renault Charpentier Ménard Maillard Baron Bertin Bailly Hervé Schneider Fernandez \
        Collet Léger Bouvier Julien Prévost Millet Perrot Daniel Cousin Germain Breton Besson Langlois Rémy Pelletier Lévêque \
        Perrier Leblanc Barre Lebrun Marchal Weber Mallet Hamon Boulanger Jacob Monnier Michaud Rodier Guichard Gillet Étienne \
        Grondin Poulain Tessier Chevallier Collin Chauvin Bouchet Gay Lemaître Bénard Maréchal Humbert Reynaud Antoine Hoarau Perret \
        L'Hermitte L'Hostis D'Almeida de_La_Fontaine de_Saint-Aubin",
    parts: [
        "Ba Be Bi Bo Bou Bra Bre Bri Bro Bru Ca Cha Che Chi Cho Cla Cle Co Cor Cou Cra Cre Da De Di Do Dou Dra Du Fa Fe Fi Fla Flo \
         Fo Fou Fra Fre Fro Ga Ge Gi Go Gou Gra Gre Gri Gro Gui Ha He Hu Ja Jo Jou La Le Li Lo Lou Ma Me Mi Mo Mon Mou Na Ni No \
         Pa Pe Pi Pla Po Pou Pra Pre Pri Pru Ra Re Ri Ro Rou Sa Sau Se Si So Sou Ta Te Ti To Tou Tra Tre Va Ve Vi Vo Vau de_Va \
         de_Mon Le_Bo Le_Ca La_Ro",
        "b ch d g gn l ll m n nd nn r rb rc rch rd rg rl rm rn rr rt rv s ss st t tt v mb mp ng nt ls bl vr ill",
        "ac ain aire al and ard as at ateau aud ault aux avel ay aret aneau é eau el elier elin elle enet ent er ereau eret eron ert \
         et ette eur eux ey ez ian iaud ié ier ignon illon in ineau iot is oin ois oiseau on onneau ot otte oux uet uis ulet y",
    ],
    top: 20,
};

const BRETAGNE: Stock = Stock {
    heads: "Le_Goff Le_Gall Hamon Le_Roux Morvan Guillou Cariou Tanguy Le_Guen Jaouen Le_Bihan Le_Floc'h Le_Corre Riou Prigent Kerleau \
        Quéré Rolland Madec Guéguen Abgrall Cadiou Le_Berre Le_Gal Salaün Le_Bris Gourvennec Le_Dantec Kervella Jégou",
    parts: [
        "Ker Ke Le_Gu Le_Ro Le_Bo Le_Ca Le_Me Le_Du Le_Pe Le_Ri Tré Pen Pe Plou Lan La Gui Go Gou Ca Que Qui Ri Ro Mo Ma Be Co Sa",
        "b d g l m n r v nn ll rv rm nd gu",
        "ec an en ou eur oal ic ig ouet o on é ellec ien ven iou er ennec al",
    ],
    top: 10,
};

const PAYS_BASQUE: Stock = Stock {
    heads: "Etcheverry Etchegaray Irigoyen Harriet Larralde Etchebarne Iribarne Mendiburu Goyheneche Uhalde Bidegain Elissalde \
        Aguerre Sallaberry Arrambide Lasserre",
    parts: [
        "Etche Irri Goy Har Ibar Mendi Bide Arri Aguer Elis Eliza Iri Larra Oyhen Sala Uhar Harri Lasa Urru Ola",
        "b g m n r rr t z ch nd",
        "arne art ay e egaray ondo oa uru igoyen eta berry garay zarre iague alde ain",
    ],
    top: 8,
};

const MAGHREB: Stock = Stock {
    heads: "Benali Saïdi Belkacem Ben_Ali El_Amrani Haddad Brahimi Mansouri Bouzid Khelifi Alaoui Benaïssa El_Idrissi Hamidi Ouali \
        Slimani Ziani Kaddour Belhadj Amrani Bouaziz Cherif Mebarki Trabelsi Ben_Salah El_Mansouri Rahmani Tahar Chaoui Ghazi \
        Messaoudi Djebbar Boukhari Khaldi Naceri Benamar",
    parts: [
        "Ben Bou El_ Aït_ Bel Ha Ham Kha Me Mes Ze Ma Meh Sa Sli Ta Ra Na Mou La Ka Ja Oua Ghe Fe Dra Che Bra A Ab Aou Ben_ El_Ha \
         Dja Ga Gue Ya Zi So Tou Chi",
        "am an ar as az el em en er id im our all ass adj akh ech edd err ess ikh itt oukh al",
        "a i ane aoui ri di li mi ni oui ani ah ed ine ou ati ouche aci iche ala aba ini",
    ],
    top: 12,
};

const AFRIQUE: Stock = Stock {
    heads: "Diallo Traoré Diarra Coulibaly Camara Keïta N'Diaye Diop Koné Cissé Touré Barry Sow Bah Sylla Fofana Ouattara Konaté \
        Sidibé Fall Ba Sissoko N'Guessan Kouassi Mendy Dembélé Doumbia Kanté Gueye Faye Sarr Bamba Mbaye Ndong Mbemba Kouyaté",
    parts: [
        "Dia Ba Ca Cou Dem Dio Fo Ga Gue Ka Kei Ko Kou Lo Ma Mbo Nda Ndi Nia Oua Sa Se Si Sou Sy Tou Tra Ya Za Ze Zon N'Go Bo Da",
        "b d g k l m n r s t w nd ng ss",
        "a é o ou i ala ara ané ako ba dou go idi ima on oni uma",
    ],
    top: 10,
};

const SUD: Stock = Stock {
    heads: "Da_Silva Dos_Santos Garcia Martinez Ferreira Pereira Lopez Fernandes Rodrigues Sanchez Perez Martins Lopes Gomes Gonzalez \
        Fernandez Rodriguez Costa Alves Da_Costa Oliveira Gomez Hernandez Ruiz Carvalho Teixeira Moreira Mendes Nunes Gonçalves \
        Vieira Ribeiro Soares Rossi Ferrari Romano Cardoso Rocha Munoz Moreno",
    parts: [
        "Al Bar Be Ca Car Cas Co Cor De Do Fer Fi Fon Ga Go Gue Gui Her La Le Lo Ma Mar Me Mo Na No Pa Pe Pi Qui Ra Re Ri Ro Sal Sa \
         San Se So To Tor Va Vas Ve Vi Da_",
        "b c d g l ll m n r rr s ss t v z nd nt rd",
        "a aco ado ana ano ares as eda eira eiro el ella ello era ero es etti i ida illo ina ini ino o ola oni os osa",
    ],
    top: 10,
};

const TURQUIE: Stock = Stock {
    heads: "Yilmaz Kaya Demir Celik Sahin Yildiz Ozturk Aydin Ozdemir Arslan Dogan Kilic Aslan Cetin Kara Koc Kurt Ozkan Simsek Polat",
    parts: [
        "Ak Al Ay Bal Bas Boz Can Ce De Do Er Gul Gun Ka Kara Kes Kor Oz Sa Sar Sen Tas Te Top Tur Un Yal Yil Zen Bi Ku",
        "b c d g k l m n r s t y",
        "ak an ar as el em en er gan i ik il in ir kan lar li lu mez oglu soy tas tekin uk un ur",
    ],
    top: 8,
};

const VIETNAM: Stock = Stock {
    heads: "Nguyen Tran Le Pham Huynh Phan Vu Vo Dang Bui Do Ho Ngo Duong Ly Luong Trinh Dinh Lam Mai",
    parts: ["", "", ""],
    top: 2,
};

impl Origin {
    /// The surnames of this origin.
    pub fn stock(self) -> &'static Stock {
        match self {
            Self::France => &FRANCE,
            Self::Bretagne => &BRETAGNE,
            Self::PaysBasque => &PAYS_BASQUE,
            Self::Maghreb => &MAGHREB,
            Self::Afrique => &AFRIQUE,
            Self::Sud => &SUD,
            Self::Turquie => &TURQUIE,
            Self::Vietnam => &VIETNAM,
        }
    }
}

impl Stock {
    /// How many surnames there are.
    pub fn size(&self) -> u64 {
        self.known() + self.made()
    }

    /// The surname at a place in the order of frequency.
    pub fn at(&self, place: u64) -> String {
        match place.checked_sub(self.known()) {
            None => nth(self.heads, place).replace('_', " "),
            Some(place) => self.combined(place * STRIDE % self.made().max(1)),
        }
    }

    fn known(&self) -> u64 {
        count(self.heads)
    }

    fn made(&self) -> u64 {
        self.parts.iter().map(|part| count(part)).product()
    }

    fn combined(&self, mut number: u64) -> String {
        let mut name = String::new();
        for part in self.parts {
            let length = count(part).max(1);
            name.push_str(nth(part, number % length));
            number /= length;
        }
        let name = name.replace('_', " ");
        // A piece that ends in a space is followed by a capital.
        match name.split_once(' ') {
            Some((first, rest)) => format!("{first} {}", capitalised(rest)),
            None => name,
        }
    }
}

fn count(list: &str) -> u64 {
    list.split_ascii_whitespace().count() as u64
}

fn nth(list: &'static str, place: u64) -> &'static str {
    list.split_ascii_whitespace().nth(usize::try_from(place).unwrap_or(0)).unwrap_or_default()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ALL: [Origin; 8] = [
        Origin::France,
        Origin::Bretagne,
        Origin::PaysBasque,
        Origin::Maghreb,
        Origin::Afrique,
        Origin::Sud,
        Origin::Turquie,
        Origin::Vietnam,
    ];

    #[test]
    fn there_are_more_than_two_hundred_thousand_surnames_of_one_byte_a_letter() {
        let mut names = HashSet::new();
        for stock in ALL.map(Origin::stock) {
            for place in 0..stock.size() {
                let name = stock.at(place);
                assert!(name.starts_with(char::is_alphabetic) && !name.contains("  "), "{name}");
                let upper = name.chars().flat_map(char::to_uppercase);
                assert!(name.chars().chain(upper).all(|letter| u32::from(letter) < 0x100), "{name}");
                names.insert(name);
            }
        }
        assert!(names.len() > 200_000, "{}", names.len());
    }
}
