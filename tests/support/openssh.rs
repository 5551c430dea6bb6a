//! A private OpenSSH server on loopback: its own configuration, host keys and users' keys, in a folder of its own.
//!
//! It runs as whoever runs the tests, lets in only the keys made here, and is killed with all its sessions when dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::program::humbly;

const SSHD: &str = "/usr/sbin/sshd";
/// A port that was free may be taken by the time the server starts.
const TRIES: usize = 5;

/// A running server.
pub struct OpenSsh {
    home: TempDir,
    server: Child,
    pub port: u16,
    pub user: String,
}

impl OpenSsh {
    /// A server as Debian has it.
    pub fn start() -> Self {
        Self::start_with("internal-sftp")
    }

    /// The same, with users whom files can be kept from.
    pub fn humble() -> Self {
        Self::begin("internal-sftp", humbly)
    }

    /// A server whose SFTP is the one given, such as `internal-sftp -P rename` that refuses to rename.
    pub fn start_with(subsystem: &str) -> Self {
        Self::begin(subsystem, |program| Command::new(program))
    }

    fn begin(subsystem: &str, run: impl Fn(&str) -> Command) -> Self {
        assert!(Path::new(SSHD).exists(), "no {SSHD}: run `make test`, which installs openssh-server");
        let home = tempfile::tempdir().expect("folder");
        fs::create_dir(home.path().join("depot")).expect("folder");
        File::create(home.path().join("authorized_keys")).expect("file");
        for kind in ["ed25519", "ecdsa", "rsa"] {
            keygen(&home.path().join(format!("host_{kind}")), kind, "");
        }
        let user = Command::new("id").arg("-un").output().expect("id").stdout;
        let user = String::from_utf8(user).expect("text").trim().to_owned();
        if user == "root" {
            // Debian makes it when it starts its own server.
            fs::create_dir_all("/run/sshd").expect("folder");
        }
        let started = (0..TRIES).find_map(|_| listen(home.path(), subsystem, run(SSHD)));
        let (server, port) = started.expect("the server listens");
        Self { home, server, port, user }
    }

    /// The folder that is served; its path is the same there and here.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("depot")
    }

    /// Puts a file into the folder, last changed at this second.
    pub fn put(&self, name: &str, bytes: &[u8], changed_at: u64) {
        let mut file = File::create(self.folder().join(name)).expect("created");
        file.write_all(bytes).expect("written");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(changed_at)).expect("dated");
    }

    /// A host key of the server, as a line.
    pub fn host_key(&self, kind: &str) -> String {
        let line = fs::read_to_string(self.home.path().join(format!("host_{kind}.pub"))).expect("a key");
        line.split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
    }

    /// The fingerprint of a host key of the server.
    pub fn fingerprint(&self, kind: &str) -> String {
        let file = self.home.path().join(format!("host_{kind}.pub"));
        let shown = Command::new("ssh-keygen").arg("-lf").arg(file).output().expect("ssh-keygen").stdout;
        let shown = String::from_utf8(shown).expect("text");
        shown.split(' ').nth(1).expect("a fingerprint").to_owned()
    }

    /// Makes a key that the server does not know.
    pub fn unknown_key(&self, kind: &str, passphrase: &str) -> PathBuf {
        let file =
            (0..1000).map(|n| self.home.path().join(format!("user_{kind}_{n}"))).find(|file| !file.exists());
        let file = file.expect("fewer keys than that");
        keygen(&file, kind, passphrase);
        file
    }

    /// Makes a key that the server lets in.
    pub fn known_key(&self, kind: &str, passphrase: &str) -> PathBuf {
        let file = self.unknown_key(kind, passphrase);
        let line = fs::read(file.with_extension("pub")).expect("a key");
        let known = self.home.path().join("authorized_keys");
        OpenOptions::new().append(true).open(known).and_then(|mut f| f.write_all(&line)).expect("added");
        file
    }

    /// Sends a signal (`KILL`, `STOP`) to the server and to each of its sessions, now.
    pub fn signal(&self, name: &str) {
        signal(self.server.id(), name);
    }

    /// The process that listens, to signal it from where the server itself cannot be had.
    pub fn process(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        self.signal("KILL");
        self.server.wait().expect("the server ends");
    }
}

/// Sends a signal to a process and to all that came from it.
pub fn signal(process: u32, name: &str) {
    let send = |name: &str, to: &[String]| {
        let command = format!("kill -{name} {} 2>/dev/null", to.join(" "));
        Command::new("sh").args(["-c", &command]).status().expect("a shell");
    };
    // Each is stopped before it is asked for its children: it makes no more of them, and does not leave them to others.
    let mut all = vec![process.to_string()];
    let mut at = 0;
    while let Some(one) = all.get(at) {
        send("STOP", std::slice::from_ref(one));
        let children = fs::read_to_string(format!("/proc/{one}/task/{one}/children")).unwrap_or_default();
        all.extend(children.split_whitespace().map(str::to_owned));
        at += 1;
    }
    send(name, &all);
}

fn keygen(file: &Path, kind: &str, passphrase: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-N", passphrase, "-C", "", "-f"]).arg(file);
    if kind == "rsa" {
        command.args(["-b", "2048"]);
    }
    assert!(command.status().expect("ssh-keygen").success(), "a {kind} key is made");
}

/// Starts the server, and waits until it says that it listens; none when it ended instead.
fn listen(home: &Path, subsystem: &str, mut command: Command) -> Option<(Child, u16)> {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let home_text = home.display();
    let host_keys =
        ["ed25519", "ecdsa", "rsa"].map(|kind| format!("HostKey {home_text}/host_{kind}\n")).concat();
    let settings = format!(
        "ListenAddress 127.0.0.1:{port}\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nAuthorizedKeysFile {home_text}/authorized_keys\n\
         Subsystem sftp {subsystem}\nMaxStartups 100\n{host_keys}"
    );
    fs::write(home.join("sshd_config"), settings).expect("written");
    command.args(["-D", "-e", "-f"]).arg(home.join("sshd_config"));
    let mut server = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the server starts");
    let mut said = BufReader::new(server.stderr.take().expect("was asked for"));
    let mut line = String::new();
    while said.read_line(&mut line).expect("text") > 0 {
        if line.contains("Server listening") {
            // It must be able to go on speaking.
            std::thread::spawn(move || io::copy(&mut said, &mut io::sink()));
            return Some((server, port));
        }
    }
    server.wait().expect("the server ends");
    None
}
