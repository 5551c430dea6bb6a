//! Extracts wrapped by the programs institutions use (openssl, gpg, zip, 7z) are opened; with another key, or altered, they are not.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use connectors::wrapping::{KeyFiles, Keys, Limits, OpenPgpFile, WrappingError, unwrap};
use hub_core::code::Code;

const TEXT: &[u8] = "identifiant;nom\n1;Vanternier\n2;Obrén\n".as_bytes();
const PASSWORD: &str = "une phrase de passe";

/// Names and bytes of the extracts, or the fault's code and detail.
type Opened = Result<Vec<(Option<String>, Vec<u8>)>, (Code, String)>;

/// A folder of an institution, with its programs.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A desk with the extract `a.csv` on it.
    fn fresh() -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        desk.put("a.csv", TEXT);
        desk.put("password", PASSWORD.as_bytes());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("written");
    }

    /// Runs a program here; words are split at spaces.
    fn run(&self, line: &str) {
        let mut words = line.split(' ');
        let program = words.next().expect("a program");
        let mut command = Command::new(program);
        // gpg's agent listens in the home of the keys, whose path must be short: the folder is that.
        command.args(words).current_dir(self.folder.path()).env("GNUPGHOME", self.folder.path());
        let output =
            command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// An RSA key and its certificate, `NAME.key` and `NAME.pem`.
    fn certificate(&self, name: &str) {
        self.run(&format!(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"
        ));
    }

    fn keys(&self, files: &KeyFiles) -> Keys {
        let here = |path: &PathBuf| self.path(&path.to_string_lossy());
        Keys::read(&KeyFiles {
            passwords: files.passwords.iter().map(here).collect(),
            cms: files.cms.iter().map(here).collect(),
            openpgp: files
                .openpgp
                .iter()
                .map(|file| OpenPgpFile {
                    key: here(&file.key),
                    passphrase: file.passphrase.as_ref().map(here),
                })
                .collect(),
        })
        .expect("keys")
    }

    fn cms_keys(&self, names: &[&str]) -> Keys {
        let cms = names.iter().map(|name| PathBuf::from(format!("{name}.key"))).collect();
        self.keys(&KeyFiles { cms, ..KeyFiles::default() })
    }

    fn passwords(&self, names: &[&str]) -> Keys {
        self.keys(&KeyFiles { passwords: names.iter().map(PathBuf::from).collect(), ..KeyFiles::default() })
    }

    /// Unwraps a file of the desk: names and bytes, or the code and detail of the fault.
    fn opened(&self, name: &str, keys: &Keys) -> Opened {
        let file = File::open(self.path(name)).expect("a file");
        let mut extracts = Vec::new();
        let result = unwrap(file, Some(name), keys, &Limits::default(), &mut |extract| {
            let mut bytes = Vec::new();
            extract.bytes.read_to_end(&mut bytes)?;
            extracts.push((extract.name, bytes));
            Ok(())
        });
        match result {
            Ok(()) => Ok(extracts),
            Err(WrappingError::Fault(fault)) => Err((fault.code, fault.detail)),
            Err(WrappingError::Io(error)) => panic!("{name}: {error}"),
        }
    }

    fn code(&self, name: &str, keys: &Keys) -> Option<Code> {
        self.opened(name, keys).err().map(|(code, _)| code)
    }

    /// Writes `altered`: the file with one bit of a byte turned, counted from the end.
    fn alter(&self, name: &str, from_end: usize) {
        let mut bytes = fs::read(self.path(name)).expect("read");
        let at = bytes.len() - from_end;
        bytes[at] ^= 0x80;
        self.put("altered", &bytes);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with a result")]
fn one(name: &str) -> Opened {
    Ok(vec![(Some(name.to_owned()), TEXT.to_vec())])
}

#[test]
fn what_openssl_encrypts_is_opened_by_its_key_alone() {
    let desk = Desk::fresh();
    desk.certificate("hub");
    desk.certificate("other");
    for command in [
        "smime -encrypt -binary -aes256 -outform DER -in a.csv -out a.p7m hub.pem",
        "smime -encrypt -binary -aes128 -outform DER -in a.csv -out a.p7m other.pem hub.pem",
        "smime -encrypt -binary -des3 -outform DER -in a.csv -out a.p7m hub.pem",
        "smime -encrypt -binary -aes192 -stream -outform DER -in a.csv -out a.p7m hub.pem",
        "smime -encrypt -binary -aes256 -outform PEM -in a.csv -out a.p7m hub.pem",
        "smime -encrypt -binary -aes256 -outform SMIME -in a.csv -out a.p7m hub.pem",
        "cms -encrypt -binary -aes256 -stream -outform DER -in a.csv -out a.p7m hub.pem",
        "cms -encrypt -binary -aes256 -outform PEM -in a.csv -out a.p7m hub.pem",
        "cms -encrypt -binary -keyid -aes256 -outform DER -in a.csv -out a.p7m hub.pem",
        "cms -encrypt -binary -aes256 -outform DER -in a.csv -out a.p7m -recip hub.pem -keyopt rsa_padding_mode:oaep",
        "cms -encrypt -binary -aes256 -outform DER -in a.csv -out a.p7m -recip hub.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
    ] {
        desk.run(&format!("openssl {command}"));
        assert_eq!(desk.opened("a.p7m", &desk.cms_keys(&["hub"])), one("a"), "{command}");
        let third = Desk::fresh();
        third.certificate("third");
        assert_eq!(desk.code("a.p7m", &third.cms_keys(&["third"])), Some(Code::CannotDecrypt), "{command}");
        assert_eq!(desk.code("a.p7m", &Keys::default()), Some(Code::CannotDecrypt), "{command}");
    }
    desk.run("openssl smime -encrypt -binary -aes256 -outform DER -in a.csv -out both.p7m hub.pem other.pem");
    assert_eq!(desk.opened("both.p7m", &desk.cms_keys(&["other", "hub"])), one("both"));
}

#[test]
fn a_key_of_either_form_opens_and_an_unusable_one_is_told_at_once() {
    let desk = Desk::fresh();
    desk.certificate("hub");
    desk.run("openssl rsa -traditional -in hub.key -out old.key");
    desk.run("openssl smime -encrypt -binary -aes256 -outform DER -in a.csv -out a.p7m hub.pem");
    assert_eq!(desk.opened("a.p7m", &desk.cms_keys(&["old"])), one("a"));
    desk.run("openssl pkcs8 -topk8 -in hub.key -out locked.key -passout pass:secret");
    desk.run("openssl ecparam -name prime256v1 -genkey -noout -out curve.key");
    for name in ["locked.key", "curve.key", "hub.pem", "missing.key"] {
        let read = Keys::read(&KeyFiles { cms: vec![desk.path(name)], ..KeyFiles::default() });
        let told = read.expect_err(name).to_string();
        assert!(told.starts_with("expected an RSA private key as PEM in `") && told.contains(name), "{told}");
    }
}

#[test]
fn an_altered_or_cut_envelope_is_refused() {
    let desk = Desk::fresh();
    desk.certificate("hub");
    let keys = desk.cms_keys(&["hub"]);
    desk.run("openssl smime -encrypt -binary -aes256 -outform DER -in a.csv -out a.p7m hub.pem");
    desk.run("openssl cms -encrypt -binary -aes256 -stream -outform DER -in a.csv -out b.p7m hub.pem");
    // The block before the last, so that the padding is certain to be wrong.
    desk.alter("a.p7m", 17);
    assert_eq!(desk.code("altered", &keys), Some(Code::CannotDecrypt));
    for name in ["a.p7m", "b.p7m"] {
        let whole = fs::read(desk.path(name)).expect("read");
        for end in (30..whole.len()).step_by(7).chain([whole.len() - 1]) {
            desk.put("cut", &whole[..end]);
            let code = desk.code("cut", &keys);
            assert!(
                matches!(code, Some(Code::CannotDecrypt | Code::Unpackable)),
                "{name} cut at {end}: {code:?}"
            );
        }
        desk.put("more", &[&whole[..], b"x"].concat());
        assert_eq!(desk.code("more", &keys), Some(Code::CannotDecrypt), "{name}");
    }
}

#[test]
fn a_zip_inside_an_envelope_and_a_gzip_inside_a_zip_are_opened() {
    let desk = Desk::fresh();
    desk.certificate("hub");
    desk.run("gzip -k a.csv");
    desk.run("zip -q in.zip a.csv.gz");
    desk.run("openssl smime -encrypt -binary -aes256 -outform DER -in in.zip -out a.p7m hub.pem");
    assert_eq!(desk.opened("a.p7m", &desk.cms_keys(&["hub"])), one("a.csv"));
    desk.run("zip -q out.zip a.p7m");
    assert_eq!(desk.opened("out.zip", &desk.cms_keys(&["hub"])), one("a.csv"));
}

#[test]
fn what_gpg_encrypts_by_a_password_is_opened_by_it() {
    let desk = Desk::fresh();
    desk.put("wrong", b"une autre");
    let [right, wrong, both] =
        [&["password"][..], &["wrong"], &["wrong", "password"]].map(|names| desk.passwords(names));
    let gpg = "gpg --batch --pinentry-mode loopback --passphrase-file password --yes -o a.csv.gpg";
    for options in [
        "",
        " --armor",
        " --compress-algo none",
        " --compress-algo zip",
        " --cipher-algo AES128",
        " --compress-algo zlib",
    ] {
        desk.run(&format!("{gpg}{options} --symmetric a.csv"));
        assert_eq!(desk.opened("a.csv.gpg", &right), one("a.csv"), "{options}");
        assert_eq!(desk.opened("a.csv.gpg", &both), one("a.csv"), "{options}");
        assert_eq!(desk.code("a.csv.gpg", &wrong), Some(Code::CannotDecrypt), "{options}");
        assert_eq!(desk.code("a.csv.gpg", &Keys::default()), Some(Code::CannotDecrypt), "{options}");
    }
}

#[test]
fn what_gpg_encrypts_for_a_key_is_opened_by_it_and_not_when_altered() {
    let desk = Desk::fresh();
    let quick = "gpg --batch --quiet --pinentry-mode loopback";
    desk.run(&format!("{quick} --passphrase-file password --quick-generate-key hub rsa2048 encr 2d"));
    desk.run(&format!("{quick} --passphrase  --quick-generate-key curve future-default default 2d"));
    desk.run(&format!("{quick} --passphrase-file password --armor -o hub.asc --export-secret-keys hub"));
    desk.run(&format!("{quick} --passphrase  -o curve.key --export-secret-keys curve"));
    let file = |key: &str, passphrase: Option<&str>| OpenPgpFile {
        key: key.into(),
        passphrase: passphrase.map(Into::into),
    };
    let keys = |file: OpenPgpFile| desk.keys(&KeyFiles { openpgp: vec![file], ..KeyFiles::default() });
    let (hub, curve) = (keys(file("hub.asc", Some("password"))), keys(file("curve.key", None)));
    let gpg = format!("{quick} --trust-model always --yes -o a.csv.gpg");
    for (options, key, other) in [
        ("-r hub --encrypt", &hub, &curve),
        ("-r hub --armor --encrypt", &hub, &curve),
        ("-r curve --encrypt", &curve, &hub),
        ("-r curve -u curve --sign --encrypt", &curve, &hub),
        ("-R hub --encrypt", &hub, &curve),
    ] {
        desk.run(&format!("{gpg} {options} a.csv"));
        assert_eq!(desk.opened("a.csv.gpg", key), one("a.csv"), "{options}");
        assert_eq!(desk.code("a.csv.gpg", other), Some(Code::CannotDecrypt), "{options}");
        if !options.contains("armor") {
            for from_end in [1, 15, 30, 60] {
                desk.alter("a.csv.gpg", from_end);
                assert_eq!(desk.code("altered", key), Some(Code::CannotDecrypt), "{options} {from_end}");
            }
        }
    }
    let locked = OpenPgpFile { key: desk.path("hub.asc"), passphrase: None };
    assert!(Keys::read(&KeyFiles { openpgp: vec![locked], ..KeyFiles::default() }).is_err());
    desk.run("gpgconf --kill gpg-agent");
}

#[test]
fn what_7z_and_zip_encrypt_is_opened_by_the_password() {
    let desk = Desk::fresh();
    desk.put("wrong", b"autre");
    desk.put("short", b"s3same");
    desk.run("7z a -tzip -mem=AES256 -ps3same aes.zip a.csv");
    desk.run("zip -q -P s3same weak.zip a.csv");
    for name in ["aes.zip", "weak.zip"] {
        fs::rename(desk.path(name), desk.path("flux.riae")).expect("renamed");
        assert_eq!(desk.opened("flux.riae", &desk.passwords(&["wrong", "short"])), one("a.csv"), "{name}");
        assert_eq!(desk.code("flux.riae", &desk.passwords(&[])), Some(Code::CannotDecrypt), "{name}");
    }
    desk.run("7z a -tzip -mem=AES256 -ps3same aes.zip a.csv");
    assert_eq!(desk.code("aes.zip", &desk.passwords(&["wrong"])), Some(Code::CannotDecrypt));
    let whole = fs::read(desk.path("aes.zip")).expect("read");
    let directory = whole.windows(4).position(|found| found == b"PK\x01\x02").expect("a directory");
    desk.alter("aes.zip", whole.len() - directory + 1);
    assert_eq!(desk.code("altered", &desk.passwords(&["short"])), Some(Code::CannotDecrypt));
}

#[test]
fn several_files_of_a_zip_come_in_order_whichever_program_made_it() {
    let desk = Desk::fresh();
    fs::create_dir(desk.path("dossier")).expect("a folder");
    desk.put("dossier/été.csv", TEXT);
    desk.put("dossier/vide.csv", b"");
    for command in ["zip -q -r", "zip -q -r -fz", "7z a -tzip"] {
        let _ = fs::remove_file(desk.path("all.zip"));
        desk.run(&format!("{command} all.zip a.csv dossier"));
        let mut names: Vec<_> = desk
            .opened("all.zip", &Keys::default())
            .expect("opens")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.sort();
        assert_eq!(names, [Some("a.csv".to_owned()), Some("été.csv".to_owned())], "{command}");
    }
}

#[test]
fn ten_gigabytes_of_zeros_in_a_small_file_are_not_unpacked() {
    let desk = Desk::fresh();
    let mut gzip = Command::new("gzip");
    let mut gzip = gzip
        .arg("-1")
        .stdin(Stdio::piped())
        .stdout(File::create(desk.path("bomb.gz")).expect("a file"))
        .spawn()
        .expect("gzip");
    let mut zeros = io::repeat(0).take(1 << 30);
    io::copy(&mut zeros, gzip.stdin.as_mut().expect("a pipe")).expect("written");
    assert!(gzip.wait().expect("ends").success());
    let once = fs::read(desk.path("bomb.gz")).expect("read");
    desk.put("bomb.gz", &once.repeat(10));
    let mut out = 0;
    let file = File::open(desk.path("bomb.gz")).expect("a file");
    let result =
        unwrap(file, None, &Keys::default(), &Limits { ratio: 100, ..Limits::default() }, &mut |extract| {
            let mut buffer = [0; 8 << 10];
            loop {
                match extract.bytes.read(&mut buffer)? {
                    0 => return Ok(()),
                    count => out += count,
                }
            }
        });
    assert!(matches!(result, Err(WrappingError::Fault(fault)) if fault.code == Code::Unpackable));
    assert!(out < 100 * once.len() * 10 + (1 << 20), "{out} bytes came out");
}

/// Set for a child of the tests, which unwraps the large file of that desk and measures itself.
const MEASURED: &str = "DLNUF_TEST_LARGE_EXTRACT";

#[test]
fn a_large_extract_takes_little_memory() {
    if let Some(desk) = std::env::var_os(MEASURED) {
        return unwrap_large(Path::new(&desk));
    }
    let desk = Desk::fresh();
    desk.certificate("hub");
    let mut large = io::BufWriter::new(File::create(desk.path("large.csv")).expect("a file"));
    for line in 0..4_500_000u32 {
        writeln!(large, "{line};{:x};Vanternier;Melinda;14/07/1986", line.wrapping_mul(2_654_435_761))
            .expect("written");
    }
    large.flush().expect("written");
    drop(large);
    desk.run(
        "openssl cms -encrypt -binary -aes256 -stream -outform DER -in large.csv -out large.p7m hub.pem",
    );
    let (_, module) = module_path!().split_once("::").expect("a module of the tests");
    let mut child = Command::new(std::env::current_exe().expect("the tests"));
    child.args(["--exact", &format!("{module}::a_large_extract_takes_little_memory")]);
    let output = child.env(MEASURED, desk.folder.path()).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn unwrap_large(desk: &Path) {
    let file = File::open(desk.join("large.p7m")).expect("a file");
    let keys =
        Keys::read(&KeyFiles { cms: vec![desk.join("hub.key")], ..KeyFiles::default() }).expect("keys");
    let mut out = 0;
    unwrap(file, None, &keys, &Limits::default(), &mut |extract| {
        out += io::copy(extract.bytes, &mut io::sink())?;
        Ok(())
    })
    .expect("opens");
    assert_eq!(out, fs::metadata(desk.join("large.csv")).expect("a file").len());
    assert!(out > 190 << 20, "{out} bytes are not large");
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(peak < 64 << 10, "{peak} KiB at the most");
}

#[test]
fn not_one_bit_of_an_openpgp_message_is_turned_unnoticed() {
    let desk = Desk::fresh();
    desk.curve();
    let keys = desk.curve_keys();
    for options in ["--rfc4880 --compress-algo none", "--rfc4880 --compress-algo zlib"] {
        desk.run(&format!("{GPG} --yes -o a.csv.gpg {options} -r curve --encrypt a.csv"));
        assert_eq!(desk.opened("a.csv.gpg", &keys), one("a.csv"), "{options}");
        let whole = fs::read(desk.path("a.csv.gpg")).expect("read");
        // The session key stands before; what it opens is in question here.
        for (at, bit) in (95..whole.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            desk.put("altered", &bytes);
            assert!(desk.opened("altered", &keys).is_err(), "{options}, bit {bit} of byte {at}");
        }
    }
    desk.run("gpgconf --kill gpg-agent");
}

#[test]
fn what_follows_a_message_is_not_left_without_a_word() {
    let desk = Desk::fresh();
    desk.curve();
    desk.certificate("hub");
    let (curve, cms) = (desk.curve_keys(), desk.cms_keys(&["hub"]));
    let followed = |keys: &Keys, white: bool| {
        let once = fs::read(desk.path("once")).expect("read");
        for more in [&once[..], b"x", b"\n\nx"] {
            desk.put("more", &[&once[..], more].concat());
            assert!(desk.opened("more", keys).is_err(), "{more:?}");
        }
        desk.put("more", &[&once[..], b"\r\n\n \n"].concat());
        assert_eq!(desk.opened("more", keys).is_ok(), white);
    };
    for (armour, white) in [("--no-armor", false), ("--armor", true)] {
        desk.run(&format!("{GPG} --yes -o once {armour} -r curve --encrypt a.csv"));
        followed(&curve, white);
    }
    for (form, white) in [("DER", false), ("PEM", true), ("SMIME", true)] {
        desk.run(&format!(
            "openssl cms -encrypt -binary -aes256 -outform {form} -in a.csv -out once hub.pem"
        ));
        followed(&cms, white);
    }
    desk.run("gpgconf --kill gpg-agent");
}

#[test]
fn a_message_as_text_is_opened_as_an_editor_on_windows_saves_it() {
    let desk = Desk::fresh();
    desk.curve();
    desk.certificate("hub");
    let windows = |name: &str| {
        let text = fs::read_to_string(desk.path(name)).expect("text").replace("\r\n", "\n");
        desk.put(name, format!("\u{feff}{}", text.replace('\n', "\r\n")).as_bytes());
    };
    desk.run(&format!("{GPG} --yes -o a.asc --armor -r curve --encrypt a.csv"));
    windows("a.asc");
    assert_eq!(desk.opened("a.asc", &desk.curve_keys()), one("a"));
    windows("hub.key");
    for form in ["PEM", "SMIME"] {
        desk.run(&format!(
            "openssl cms -encrypt -binary -aes256 -outform {form} -in a.csv -out a.p7m hub.pem"
        ));
        windows("a.p7m");
        assert_eq!(desk.opened("a.p7m", &desk.cms_keys(&["hub"])), one("a"), "{form}");
    }
    desk.run("7z a -tzip -mem=AES256 -ps3same a.zip a.csv");
    desk.put("short", "\u{feff}s3same\r\n".as_bytes());
    assert_eq!(desk.opened("a.zip", &desk.passwords(&["short"])), one("a.csv"));
    desk.run("gpgconf --kill gpg-agent");
}

#[test]
fn archives_of_other_ways_are_opened_or_told_what_they_are() {
    let desk = Desk::fresh();
    let rows = (0..20_000u32).map(|n| format!("{n};Vanternier;{:x}\n", n.wrapping_mul(2_654_435_761)));
    let long = rows.collect::<Vec<_>>().concat();
    desk.put("long.csv", long.as_bytes());
    for (made, told) in [
        ("7z a -bso0 -tzip -mm=Deflate64 made.zip long.csv && mv made.zip made", "Deflate64"),
        ("7z a -bso0 -tzip -mm=LZMA made.zip long.csv && mv made.zip made", "found method"),
        ("tar cf made long.csv", "found a tar archive"),
        ("tar czf made long.csv", "found a tar archive"),
        ("xz -kc long.csv > made", "found xz"),
        ("cat long.csv | zstd -q --ultra -22 --long=31 > made", "window of at most 128 MiB"),
    ] {
        desk.shell(made);
        let (code, detail) = desk.opened("made", &Keys::default()).expect_err(made);
        assert!(code == Code::Unpackable && detail.contains(told), "{made}: {detail}");
    }
    for made in [
        "cat long.csv | zip -q - - > made",
        "zip -q - long.csv > made",
        "zip -q -fz - long.csv > made",
        "cat long.csv | zstd -q --ultra -22 --long=27 > made",
        "zstd -qc --no-check long.csv > made",
    ] {
        desk.shell(made);
        let opened = desk.opened("made", &Keys::default()).expect(made);
        assert!(matches!(opened.as_slice(), [(_, bytes)] if bytes == long.as_bytes()), "{made}");
    }
}

const GPG: &str = "gpg --batch --quiet --pinentry-mode loopback --trust-model always";

impl Desk {
    fn shell(&self, line: &str) {
        let ran = Command::new("sh").args(["-c", line]).current_dir(self.folder.path()).status();
        assert!(ran.is_ok_and(|status| status.success()), "{line}");
    }

    /// A key on an elliptic curve, without passphrase.
    fn curve(&self) {
        self.run(&format!("{GPG} --passphrase  --quick-generate-key curve future-default default 2d"));
        self.run(&format!("{GPG} --passphrase  -o curve.key --export-secret-keys curve"));
    }

    fn curve_keys(&self) -> Keys {
        let file = OpenPgpFile { key: "curve.key".into(), passphrase: None };
        self.keys(&KeyFiles { openpgp: vec![file], ..KeyFiles::default() })
    }
}
