//! The same name as other hands write it: foreign names in other letters, compound ones joined otherwise.
//!
//! A name and chance enter; another spelling that stands for the same name leaves, none when it has no other.

use super::super::random::Random;

/// Given names of one family a line; the first is the commonest.
const GIVEN: &[&str] = &[
    "Mohamed Mohammed Mouhamed Muhammed Mohamad",
    "Youssef Yousef Yusuf Youcef Yussef",
    "Fatima Fatma Fatema Fatimah",
    "Abdallah Abdellah Abdoulah Abdullah",
    "Abdelkader Abd-el-Kader Abdel-Kader Abdelkadir",
    "Abderrahmane Abdurrahman Abderahman Abdel-Rahman",
    "Abdelaziz Abdel-Aziz Abdulaziz",
    "Rachid Rashid Rachide Rached",
    "Rachida Rashida",
    "Khadija Kadija Hadija Khadidja Kadidja",
    "Aïcha Aisha Aycha Aichatou",
    "Hassan Hasan Hassane",
    "Hussein Houssine Houcine Hocine Hüseyin",
    "Ahmed Ahmad Ahmet Amed",
    "Mahmoud Mahmud Mahmut",
    "Mustapha Moustapha Mustafa Mostafa",
    "Ibrahim Brahim Ibrahima Ibrahime",
    "Ismaël Ismail Smail Ismaïl",
    "Soufiane Sofiane Soufyane Sofian",
    "Karim Kareem Kerim",
    "Khalid Khaled Halid",
    "Samir Sameer Semir",
    "Nadia Nadya Nadja",
    "Zineb Zaineb Zeynep Zaynab",
    "Meriem Maryam Mariam Myriam Meryem",
    "Malika Melika",
    "Yasmina Yasmine Jasmina Yassmina",
    "Yacine Yassine Yasin Yassin",
    "Naïma Naima Neima",
    "Hakim Hakeem Akim",
    "Omar Omer Oumar Umar",
    "Othmane Osman Ousmane Otmane",
    "Saïd Said Saeed Sayed",
    "Saïda Saida Sayda",
    "Farid Fareed Ferid",
    "Djamila Jamila Djamilla",
    "Djamel Jamel Jamal Gamal",
    "Amadou Amadu Hamadou",
    "Mamadou Mamadu Mahamadou",
    "Fatoumata Fatimata Fatou",
    "Moussa Musa Mousa",
    "Aminata Aminatou",
    "Boubacar Boubakar Aboubacar Abubakar",
    "Cheikh Sheikh Cheick Cheik",
    "Souleymane Sulayman Suleyman Souleiman",
    "João Joao",
    "Mariana Marianna",
    "Ayşe Ayse Aïse",
    "Mehmet Mehmed",
    "Emine Amine",
    "Huseyin Huseyn Hussein",
    "Thi Thy",
    "Catherine Katherine Catharine",
    "Nathalie Natalie",
    "Mickaël Michaël Mikaël",
    "Christelle Cristelle Christèle",
    "Stéphanie Stephany",
    "Éric Érik",
    "Anaïs Anays",
    "Lina Leena Lyna",
    "Inès Ynès Inez",
    "Sara Sarah",
    "Mélissa Mellissa",
    "Mathieu Matthieu",
    "Thibault Thibaud Thibaut",
    "Jérémy Jérémie",
    "Raphaël Rafaël",
    "Grégory Grégorie",
];

/// Pieces of foreign surnames, and how another clerk writes them.
#[rustfmt::skip]
const PIECES: &[(&str, &str)] = &[
    ("Ben ", "Ben"), ("Ben ", "Ben-"), ("El ", "El-"), ("El ", "El"), ("Aït ", "Ait-"), ("Da ", "da "), ("Dos ", "dos "),
    ("Oua", "Wa"), ("oua", "wa"), ("ou", "u"), ("dj", "j"), ("Dj", "J"), ("kh", "k"), ("Kh", "K"), ("ch", "sh"), ("Ch", "Sh"),
    ("ss", "s"), ("gh", "g"), ("N'D", "Nd"), ("N'G", "Ng"), ("Nd", "N'D"), ("aoui", "awi"), ("ia", "iya"), ("eh", "e"), ("ah", "a"),
    ("é", "e"), ("es", "ez"), ("ez", "es"), ("ç", "c"), ("oglu", "oglou"), ("uy", "ui"),
];

/// Another spelling of a given name.
pub fn given(name: &str, random: &mut Random) -> Option<String> {
    let family = GIVEN.iter().find(|family| family.split(' ').any(|member| member == name))?;
    let others: Vec<&str> = family.split(' ').filter(|member| *member != name && one_byte(member)).collect();
    (!others.is_empty()).then(|| random.one(&others).to_owned())
}

/// Another spelling of a foreign surname.
pub fn surname(name: &str, random: &mut Random) -> Option<String> {
    let fitting: Vec<_> = PIECES.iter().filter(|(piece, _)| name.contains(piece)).collect();
    if fitting.is_empty() {
        return None;
    }
    let (piece, written) = random.one(&fitting);
    let other = name.replacen(piece, written, 1);
    (other.len() > 2).then_some(other)
}

/// A name of several words or with an apostrophe, with other signs between them, or none.
pub fn punctuated(name: &str, random: &mut Random) -> Option<String> {
    let signs = |letter: char| matches!(letter, ' ' | '-' | '\'');
    let sign = name.chars().find(|letter| signs(*letter))?;
    let others: &[&str] = match sign {
        '\'' => &["", " ", "-"],
        '-' => &[" ", " ", ""],
        _ => &["-", ""],
    };
    let other = random.one(others);
    Some(name.split(signs).collect::<Vec<_>>().join(other))
}

/// The feeds' oldest encoding has one byte a letter.
fn one_byte(text: &str) -> bool {
    text.chars().all(|letter| u32::from(letter) < 0x100)
}

#[cfg(test)]
mod tests {
    use super::super::super::random::Purpose;
    use super::*;

    #[test]
    fn a_name_has_the_other_spellings_of_its_own_family_only() {
        let mut random = Random::of(Purpose::Telling, &[3]);
        for _ in 0..50 {
            let other = given("Youssef", &mut random).expect("there are others");
            assert!(["Yousef", "Yusuf", "Youcef", "Yussef"].contains(&other.as_str()));
            let other = surname("Ben Khaled", &mut random).expect("there are others");
            assert!(["BenKhaled", "Ben-Khaled", "Ben Kaled"].contains(&other.as_str()), "{other}");
            let other = punctuated("Jean-Pierre", &mut random).expect("it is compound");
            assert!(["Jean Pierre", "JeanPierre"].contains(&other.as_str()), "{other}");
        }
        assert_eq!(given("Gontran", &mut random), None);
        assert_eq!(punctuated("Martin", &mut random), None);
    }
}
