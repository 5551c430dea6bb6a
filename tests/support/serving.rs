//! `dlnuf serve` as an operator runs it, killed when a test ends, and an institution that pushes to it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hub::sources::token;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value as Json;

use super::program::command;

/// How long a small delivery may take to be taken in.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A hub that serves.
pub struct Serving {
    child: Child,
    /// Where it answers, without a slash at the end.
    pub base: String,
    home: PathBuf,
    client: Client,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A source's token and the line of the sources file that knows it.
pub fn token_of(name: &str) -> (String, String) {
    let secret = token::mint();
    let line = format!("{{ name: {name}, hash: \"{}\" }}", token::hash(&secret));
    (secret, line)
}

impl Serving {
    /// Serves from a home, in which the sources file holds `sources`.
    pub fn start(home: &Path, sources: &str, more: &[&str]) -> Self {
        fs::create_dir_all(home).expect("a folder");
        fs::write(home.join("sources.yaml"), sources).expect("a file");
        Self::again(home, more)
    }

    /// Serves from a home as it is.
    pub fn again(home: &Path, more: &[&str]) -> Self {
        Self::within(home, more, &[])
    }

    /// The same, with more in its environment.
    pub fn within(home: &Path, more: &[&str], environment: &[(&str, String)]) -> Self {
        let mut serve = command();
        serve.envs(environment.iter().map(|(name, value)| (name, value)));
        Self::launch(serve, home, more)
    }

    /// Serves from a home on a disk that takes no file larger than this; what is written beyond it fails.
    pub fn on_a_small_disk(home: &Path, sources: &str, largest_kib: u64) -> Self {
        fs::create_dir_all(home).expect("a folder");
        fs::write(home.join("sources.yaml"), sources).expect("a file");
        let program = command();
        let mut shell = Command::new("sh");
        // In blocks of 512 bytes; the signal that would end the program is not for it.
        let limited = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"", largest_kib * 2);
        shell.arg("-c").arg(limited).arg(program.get_program()).stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self::launch(shell, home, &[])
    }

    /// Gives its disk all room there is.
    pub fn make_room(&self) {
        let id = self.child.id().to_string();
        let made = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited:"]).status();
        assert!(made.expect("prlimit").success());
    }

    fn launch(mut serve: Command, home: &Path, more: &[&str]) -> Self {
        serve.arg("--home").arg(home).args(["serve", "--listen", "127.0.0.1:0"]).args(more);
        let log = fs::File::options().create(true).append(true).open(home.join("serve.log")).expect("a log");
        let mut child = serve.stdout(Stdio::piped()).stderr(log).spawn().expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut said = || lines.next().and_then(Result::ok);
        let first = said()
            .unwrap_or_else(|| panic!("{}", fs::read_to_string(home.join("serve.log")).unwrap_or_default()));
        let word = first.split(' ').find(|word| word.ends_with("/v1/evenements")).expect("an address");
        let base = word.trim_end_matches("/v1/evenements").to_owned();
        let client = connectors::transport::http::builder()
            .no_proxy()
            .timeout(PATIENCE * 2)
            .build()
            .expect("a client");
        Self { child, base, home: home.to_owned(), client }
    }

    /// A request with a token.
    pub fn ask(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.client.request(method, url).bearer_auth(token)
    }

    /// Pushes a file under a name.
    pub async fn push(&self, token: &str, name: &str, bytes: Vec<u8>) -> Response {
        let named = format!("attachment; filename=\"{name}\"");
        let request = self.ask(Method::POST, "/v1/deliveries", token).header("content-disposition", named);
        request.body(bytes).send().await.expect("an answer")
    }

    /// The receipt of a delivery, once it is taken in, held or refused.
    pub async fn receipt(&self, token: &str, delivery: &str) -> Json {
        let path = format!("/v1/deliveries/{delivery}?wait=60");
        let answer = self.ask(Method::GET, &path, token).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// Kills it at once.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Tells it to stop; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill");
        assert!(told.success());
        self.child.wait().expect("ended").code()
    }

    /// Most memory it had so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("serve.log")).expect("a log")
    }

    /// The files of its archive, by name and content.
    pub fn archived(&self) -> Vec<(String, Vec<u8>)> {
        archived(&self.home)
    }
}

/// The files of a home's archive, those on their way left out.
pub fn archived(home: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in fs::read_dir(home.join("archive")).into_iter().flatten().flatten() {
        if folder.file_name().len() != 2 {
            continue;
        }
        for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            files.push((name, fs::read(file.path()).expect("a readable file")));
        }
    }
    files
}

/// The identifier of the first delivery of an acknowledgement.
pub async fn delivery_of(answer: Response) -> String {
    let body: Json = answer.json().await.expect("JSON");
    let id = body.pointer("/livraisons/0/livraison").and_then(Json::as_str);
    id.unwrap_or_else(|| panic!("{body}")).to_owned()
}
