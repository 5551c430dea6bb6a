//! One call with its policy: waits when asked to, tries again what may pass, gives up within bounds, tells why.

use std::sync::Mutex;
use std::time::Duration;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::{Request, StatusCode};

use super::answer::{Answer, Unread, shown};
use super::limits::Limits;
use super::time::Time;
use super::tls;

/// First wait after a failure, doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Whether the caller itself understands an answer that is no success.
pub(super) type Understood = fn(&Answer) -> bool;

/// Calls a place, without logging in.
pub(super) struct Caller {
    http: reqwest::Client,
    limits: Limits,
    time: Time,
    /// When the next call may start, on the clock of patience.
    next: Mutex<Duration>,
}

/// What one try came to.
enum Tried {
    Answered(Answer),
    /// The place asks to wait.
    Wait(Duration, TransportError),
    /// It may pass: the wait the place asks for, when it does.
    Again(Option<Duration>, TransportError),
    Failed(TransportError),
}

impl Caller {
    /// # Errors
    /// [`Code::BadConfig`] for limits no client can be built with.
    pub(super) fn new(limits: &Limits, time: Time) -> Result<Self, TransportError> {
        let http = tls::client(limits, tls::on_one_host())?;
        Ok(Self { http, limits: limits.clone(), time, next: Mutex::default() })
    }

    /// What requests are made with.
    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The hour and patience.
    pub(super) fn time(&self) -> &Time {
        &self.time
    }

    /// Calls until there is an answer: a success, "not modified", or one the caller understands.
    ///
    /// # Errors
    /// By code: what [`hub_core::disposition`] needs to go on.
    pub(super) async fn call(
        &self,
        request: &Request,
        understood: Understood,
    ) -> Result<Answer, TransportError> {
        let (mut tries, mut failures, mut waited) = (0, 0, Duration::ZERO);
        loop {
            tries += 1;
            let (wait, mut error) = match self.once(request, understood).await {
                Tried::Answered(answer) => return Ok(answer),
                Tried::Failed(error) => return Err(error),
                Tried::Wait(wait, error) => (wait, error),
                Tried::Again(asked, mut error) => {
                    failures += 1;
                    if failures >= self.limits.failures {
                        error.retry_after = asked;
                        return Err(error);
                    }
                    (asked.unwrap_or_else(|| growing(failures)), error)
                }
            };
            waited = waited.saturating_add(wait);
            if tries >= self.limits.tries || waited > self.limits.patience() {
                error.retry_after = Some(wait);
                return Err(error);
            }
            self.time.patience.wait(wait).await;
        }
    }

    async fn once(&self, request: &Request, understood: Understood) -> Tried {
        self.keep_pace().await;
        let place = shown(request.url());
        let request = request.try_clone().expect("bodies are bytes here, which can be sent again");
        let response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(error) => return Tried::Again(None, unreachable_place(&place, error)),
        };
        match Answer::read(response, self.limits.max_answer_bytes).await {
            Ok(answer) => self.judge(answer, understood),
            Err(Unread::Broken(error)) => Tried::Again(None, unreachable_place(&place, error)),
            Err(Unread::TooLarge) => {
                let most = self.limits.max_answer_bytes;
                let detail = format!("expected at most {most} bytes of {place}, found more");
                Tried::Failed(TransportError::new(Code::AnswerNotUnderstood, detail))
            }
        }
    }

    fn judge(&self, answer: Answer, understood: Understood) -> Tried {
        let status = answer.status;
        if status.is_success() || status == StatusCode::NOT_MODIFIED || understood(&answer) {
            return Tried::Answered(answer);
        }
        let asked = || answer.retry_after(self.time.clock.now(), self.limits.retry_after());
        let failed = |code, expected| Tried::Failed(answer.error(code, expected));
        match status {
            StatusCode::TOO_MANY_REQUESTS => {
                Tried::Wait(asked(), answer.error(Code::TooManyRequests, "an answer"))
            }
            StatusCode::UNAUTHORIZED => failed(Code::LoginRefused, "a login that is accepted"),
            StatusCode::FORBIDDEN => failed(Code::PlaceRefused, "an answer"),
            _ if status.is_server_error() => {
                let asked = answer.headers.contains_key("retry-after").then(asked);
                Tried::Again(asked, answer.error(Code::PlaceUnreachable, "an answer"))
            }
            _ if status.is_redirection() => {
                failed(Code::AnswerNotUnderstood, "an answer, or a redirection on the same host,")
            }
            _ => failed(Code::AnswerNotUnderstood, "an answer"),
        }
    }

    /// Waits until the pace allows another call.
    async fn keep_pace(&self) {
        let Some(rate) = self.limits.requests_per_second else { return };
        let gap = Duration::from_secs(1) / rate.get();
        let wait = {
            let mut next = self.next.lock().expect("nobody panics while holding the pace");
            let now = self.time.patience.elapsed();
            let start = now.max(*next);
            *next = start + gap;
            start.saturating_sub(now)
        };
        if !wait.is_zero() {
            self.time.patience.wait(wait).await;
        }
    }
}

fn growing(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(10))
}

fn unreachable_place(place: &str, error: reqwest::Error) -> TransportError {
    let found = if error.is_timeout() {
        "none in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "a connection that broke off"
    };
    let detail = format!("expected an answer of {place}, found {found}");
    TransportError::new(Code::PlaceUnreachable, detail).because(error.without_url())
}
