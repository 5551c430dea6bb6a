//! Given names, in order of frequency by generation and origin; the lists are common knowledge, the order about right.
//!
//! Birth year, sex and origin enter, a given name leaves: the first of a list is borne by two or three in a hundred of its
//! generation, the last by one in a thousand. No letter is beyond U+00FF.

use super::super::random::Random;
use super::stock::Origin;

/// Women born before 1970, to 1984, to 1995, later.
const WOMEN: [&str; 4] = [
    "Catherine Sylvie Christine Martine Isabelle Véronique Nathalie Françoise Brigitte Patricia Corinne Valérie Pascale Dominique \
     Sophie Marie Monique Florence Annie Chantal Michèle Laurence Nicole Béatrice Jacqueline Danielle Muriel Évelyne Christiane Agnès \
     Marie-Christine Fabienne Joëlle Élisabeth Hélène Odile Anne Claudine Ghislaine Colette Jocelyne Marie-Claude Bernadette Josiane \
     Maryse Marie-Thérèse Mireille Denise Liliane Viviane Geneviève Yolande Régine Thérèse Marie-Pierre Éliane Lydie Nadine Claire \
     Carole Maryline Marie-Laure Solange Anne-Marie Édith Rolande Gisèle Lucette Pierrette Simone Yvette Andrée Huguette Paulette \
     Roselyne Noëlle Francine Armelle Marie-France Marie-José Marie-Hélène Raymonde Bernadine Suzanne Arlette Ginette Rosemarie",
    "Sandrine Stéphanie Céline Karine Virginie Delphine Christelle Séverine Laetitia Aurélie Émilie Caroline Magali Sabrina Élodie \
     Julie Audrey Vanessa Mélanie Sandra Cécile Carine Angélique Nathalie Valérie Sophie Peggy Laure Jessica Amélie Stella Alexandra \
     Claire Anne Marie Hélène Gaëlle Estelle Nadège Sonia Frédérique Jennifer Élise Nelly Géraldine Lucie Marjorie Ludivine Isabelle \
     Fanny Rachel Emmanuelle Anne-Sophie Marie-Laure Cindy Sylvie Barbara Katia Rachelle Cathy Aline Noémie Linda Maud Lise Edwige \
     Marlène Coralie Natacha Judith Mylène Élisa Gwladys Prisca Sarah Marilyne Laurène Charlotte Gwenaëlle Ingrid Perrine Solène",
    "Laura Marine Camille Pauline Marion Anaïs Julie Manon Mathilde Mélanie Amandine Sarah Chloé Élodie Aurélie Justine Charlotte Morgane \
     Océane Léa Lucie Margaux Émilie Alexandra Mélissa Jessica Cindy Sabrina Alice Audrey Claire Céline Marie Fanny Noémie Clara Anne \
     Estelle Coralie Elsa Ophélie Emma Juliette Kelly Laetitia Solène Élise Jennifer Caroline Laurie Valentine Héloïse Clémence Agathe \
     Ludivine Priscilla Gaëlle Alexia Alison Angélique Cassandra Cynthia Perrine Bérénice Johanna Samantha Tiffany Lisa Eva Flora \
     Déborah Méghane Célia Roxane Romane Gwendoline Andréa Axelle Sandra Tatiana Aline Nolwenn Victoria Sandy Lauriane Maëva",
    "Léa Manon Camille Emma Chloé Clara Sarah Marie Laura Lucie Inès Océane Mathilde Julie Marine Pauline Anaïs Jade Lisa Maëlys Éva \
     Justine Charlotte Juliette Noémie Elisa Romane Lola Lina Margaux Alice Louise Zoé Ambre Lou Carla Célia Clémence Morgane Mélissa \
     Marion Alexia Eloïse Emilie Maëva Louane Lilou Jeanne Agathe Solène Elsa Lena Valentine Héloïse Anna Victoria Axelle Amandine \
     Coralie Andréa Laurine Lana Noa Salomé Lily Rose Mélina Cassandre Flavie Candice Capucine Maud Estelle Gabrielle Elena Ninon \
     Apolline Albane Faustine Mathilda Ophélie Clémentine Philippine Joséphine Constance Loane Maïlys Cloé Perrine Tess Zélie",
];

/// Men of the same years.
const MEN: [&str; 4] = [
    "Philippe Patrick Michel Alain Thierry Pascal Bernard Éric Jean Christian Dominique Didier Gérard Laurent Daniel Bruno Gilles Marc \
     Olivier Frédéric Christophe Jacques François Serge Pierre Denis Hervé André Franck Jean-Pierre Yves Jean-Luc Claude Jean-Claude \
     Francis Jean-Marc Joël Xavier Jean-Michel Thomas Vincent Stéphane Guy Jean-Paul Roland Régis René Roger Jean-Marie Patrice \
     Robert Paul Jean-François Rémi Henri Luc Jean-Louis Louis Georges Lionel Maurice Fabrice Yannick Jean-Jacques Emmanuel Jean-Yves \
     Antoine Nicolas Étienne Raymond Marcel Jean-Philippe Jean-Noël Raoul Benoît Ludovic Sylvain Arnaud Jean-Baptiste Gilbert Lucien",
    "Christophe Stéphane Sébastien David Frédéric Nicolas Julien Laurent Olivier Jérôme Cédric Éric Guillaume Franck Arnaud Ludovic \
     Grégory Vincent Mickaël Thomas Benoît Anthony Romain Matthieu Emmanuel Fabrice Alexandre Xavier Fabien Bruno Jean Samuel \
     Pierre Philippe Damien Aurélien Thierry Sylvain Yann Jonathan Yannick Johann Loïc Hervé Patrice Raphaël Bertrand Cyril \
     Gaël Lionel Mathieu Rodolphe Gilles Pascal François Jimmy Régis Marc Steve Teddy Mathias Jérémie Simon Rémy Adrien Benjamin \
     Clément Florent Antoine Ludwig Jean-François Geoffroy Tony Denis Sylvère Étienne Yves Gaëtan Jean-Sébastien Willy Maxime",
    "Kévin Thomas Alexandre Nicolas Julien Romain Maxime Quentin Florian Anthony Antoine Jérémy Guillaume Alexis Clément Pierre Benjamin \
     Valentin Adrien Vincent Lucas Dylan Mathieu Jordan Jonathan Mickaël Simon Aurélien Damien Théo Hugo Steven Rémi Arnaud Corentin \
     Paul Bastien Loïc Fabien Cédric Sébastien Baptiste Cyril Tristan Raphaël Samuel David Louis Arthur Thibault Victor François \
     Axel Gaëtan Marvin Dimitri Jean Mathias Teddy Christopher Yoann Morgan Ludovic Charles Ludwig Joris Kilian Erwan Gauthier \
     Jean-Baptiste Étienne Geoffrey Sylvain Johan Bryan Tanguy Gabriel Brice Marc Florent Brandon Allan Mathis Logan Max Grégoire",
    "Lucas Théo Thomas Hugo Maxime Alexandre Antoine Enzo Quentin Clément Alexis Valentin Nicolas Mathis Romain Louis Nathan Baptiste \
     Léo Pierre Paul Florian Arthur Tom Matthieu Dylan Axel Jules Victor Benjamin Corentin Julien Simon Tristan Raphaël Guillaume \
     Adrien Bastien Samuel Evan Kylian Mathéo Noah Yanis Gabriel Lorenzo Ethan Martin Loïc Gaëtan Erwan Rémi Dorian Robin \
     Maël Titouan Matteo Tony Esteban Killian Mattéo Timothé Marius Noé Augustin Adam Sacha Eliot Malo Ryan Thibaut Mathias \
     Loan Louka Ilan Jordan Anthony Vincent David Charles Jean Gaspard Émile Oscar Félix Côme Basile Achille Léon Marceau Ulysse",
];

/// Women, then men, of other origins.
const BRETAGNE: [&str; 2] = [
    "Gwenaëlle Nolwenn Annaïg Maëlle Gaëlle Rozenn Soazig Enora Tiphaine Aziliz Morgane Katell Armelle Youna Bleuenn Erell",
    "Yann Erwan Gwenaël Loïc Ronan Yannick Malo Goulven Tanguy Ewen Corentin Brieuc Gaël Youenn Alan Hervé Mael Titouan",
];
const MAGHREB: [&str; 2] = [
    "Fatima Khadija Aïcha Nadia Malika Samira Rachida Naïma Yasmina Karima Zohra Meriem Leïla Souad Djamila Farida Saïda Houria Hayat \
     Nora Fatiha Latifa Zineb Hafida Amina Hanane Sarah Lina Yasmine Inès Imane Salma Kenza Rania Asma Soraya Dounia Myriam Sabrina \
     Ouarda Zahra Nawel Siham Ikram Chaïma Wafa Halima Assia Safia Loubna Hasna Rim Sonia Nour Maïssa Hind Fadila Warda Aya Manel",
    "Mohamed Ahmed Ali Rachid Karim Youssef Abdelkader Saïd Mustapha Hassan Kamel Nordine Samir Farid Omar Khalid Djamel Brahim \
     Abdallah Mehdi Yacine Hakim Mourad Salim Tarik Nabil Sofiane Bilal Ayoub Amine Ismaël Adel Hamza Walid Lahcen Mounir Hicham \
     Abderrahmane Reda Fouad Anis Zakaria Ilyes Rayan Hocine Slimane Redouane Jamal Aziz Abdelaziz Moussa Malik Ryad Imad Othmane \
     Idriss Nassim Toufik Larbi Messaoud Mahmoud Fethi Lotfi Mohamed-Amine Badr Rabah",
];
const AFRIQUE: [&str; 2] = [
    "Fatoumata Aminata Mariam Aïssatou Awa Fanta Oumou Kadiatou Adama Ramata Bintou Djeneba Hawa Khady Mame Coumba Astou Ndeye \
     Rokia Maïmouna Safiatou Nafissatou Salimata Assa Sira Penda Diarra Mariama Grâce Divine Esther Naomi Rose Marie-Louise",
    "Mamadou Ibrahima Moussa Amadou Ousmane Abdoulaye Boubacar Cheikh Souleymane Oumar Modibo Seydou Adama Bakary Lamine Samba \
     Demba Aliou Idrissa Issa Drissa Mahamadou Sekou Yaya Malick Babacar Pape Alassane Tidiane Fodé Emmanuel Christ Exaucé Junior",
];
const SUD: [&str; 2] = [
    "Maria Ana Carla Sandra Paula Isabel Cristina Fernanda Rosa Teresa Lucia Sofia Mariana Elena Carmen Dolores Pilar Francesca \
     Giulia Laura Silvia Monica Patricia Sara Beatriz Catarina Inês Marta Gloria Concetta Manuela Helena",
    "José Manuel Antonio Carlos João Paulo Luis Fernando Francisco Pedro Miguel Joaquim Filipe Jorge Ricardo Rui Nuno Sergio Angel \
     Juan Javier Diego Marco Giovanni Salvatore Roberto Mario Tiago Hugo David Bruno Victor",
];
const TURQUIE: [&str; 2] = [
    "Fatma Ayse Emine Zeynep Elif Hatice Hülya Meryem Sevgi Gül Esra Özlem Yasemin Selma Derya Dilara Büsra Merve Songül Filiz",
    "Mehmet Mustafa Ahmet Ali Hüseyin Hasan Ibrahim Murat Ömer Yusuf Emre Osman Kemal Fatih Serkan Orhan Erkan Ismail Halil Can",
];
const VIETNAM: [&str; 2] = [
    "Thi Linh Huong Lan Mai Thu Hoa Anh Phuong Ngoc Kim Thanh Nga Hanh Loan Trang",
    "Van Minh Duc Hung Tuan Quang Thanh Long Hai Nam Dung Hoang Tien Phuc Son Bao",
];

/// What compound given names begin with: women's, men's.
const COMPOUND: [&str; 2] = ["Marie Anne Marie Lou Rose", "Jean Pierre Jean Louis Marc"];

/// A given name of somebody born in a year.
pub fn drawn(random: &mut Random, woman: bool, year: u16, origin: Origin) -> String {
    let sex = usize::from(!woman);
    let generation = match year {
        ..1970 => 0,
        1970..1985 => 1,
        1985..1996 => 2,
        _ => 3,
    };
    let french = [WOMEN, MEN][sex][generation];
    // Children of those who came bear names of both countries.
    let own = random.percent(if year < 1985 { 90 } else { 75 });
    let list = match origin {
        Origin::Bretagne if random.percent(40) => BRETAGNE[sex],
        Origin::Maghreb if own => MAGHREB[sex],
        Origin::Afrique if own => AFRIQUE[sex],
        Origin::Sud if own => SUD[sex],
        Origin::Turquie if own => TURQUIE[sex],
        Origin::Vietnam if own => VIETNAM[sex],
        _ => french,
    };
    let name = listed(random, list);
    // The tail: compound names no list holds.
    if random.percent(3) && list == french && !name.contains('-') {
        let first = listed(random, COMPOUND[sex]);
        return if first == name { name } else { format!("{first}-{name}") };
    }
    name
}

fn listed(random: &mut Random, list: &'static str) -> String {
    let names = list.split_ascii_whitespace();
    let place = random.ranked(names.clone().count() as u64, 10);
    names.skip(usize::try_from(place).unwrap_or(0)).take(1).collect()
}

/// Another given name for a twin: parents choose names alike, of one initial, for about four pairs in ten (assumption).
pub fn beside(random: &mut Random, name: &str, woman: bool, year: u16, origin: Origin) -> String {
    let alike = random.percent(40);
    let mut other = drawn(random, woman, year, origin);
    for _ in 0..60 {
        let fits = other != name && (!alike || other.chars().next() == name.chars().next());
        if fits {
            break;
        }
        other = drawn(random, woman, year, origin);
    }
    if other == name { format!("{name}-Marie") } else { other }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::super::random::Purpose;
    use super::*;

    #[test]
    fn the_first_names_are_a_few_in_a_hundred_and_the_tail_is_long() {
        let mut random = Random::of(Purpose::Identity, &[4]);
        let mut counts: HashMap<String, u32> = HashMap::new();
        for number in 0..50_000_u16 {
            let name = drawn(&mut random, true, 1958 + number % 49, Origin::France);
            assert!(name.chars().all(|letter| u32::from(letter) < 0x100 && letter != 'ÿ'), "{name}");
            *counts.entry(name).or_default() += 1;
        }
        let most = counts.values().max().copied().unwrap_or_default();
        assert!((500..=1_500).contains(&most), "{most} of 50 000");
        assert!(counts.len() > 400, "{}", counts.len());
    }

    #[test]
    fn a_twin_never_bears_the_same_given_name() {
        let mut random = Random::of(Purpose::Identity, &[5]);
        for _ in 0..2_000 {
            let name = drawn(&mut random, false, 1990, Origin::Vietnam);
            assert_ne!(beside(&mut random, &name, false, 1990, Origin::Vietnam), name);
        }
    }
}
