//! RabbitMQ's management API, by HTTP: users, permissions and policies, which AMQP cannot set, and what really stands on the broker.
//!
//! Names enter, verbs are carried out or what was found leaves. Every verb may be repeated (what is already deleted is `NotFound`),
//! tries once (patience is the caller's), is bounded in time and size. No error, log or `Debug` shows a password or its hash.
//!
//! 3.10 and 4.x are spoken to alike. They differ in that 3.10 gives users as a whole and 4.x by pages, that 4.x knows more kinds of
//! queues a policy may apply to, and that 4.x is about to do without counts of consumers.

mod api;
mod standing;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use self::api::Api;

pub use self::api::ManagementError;
pub use self::standing::{Binding, Exchange, Permissions, Policy, Queue};

/// What is read of a binding.
const BINDING: &str = "source,destination,destination_type,routing_key,arguments,properties_key";

/// The management API of one virtual host.
#[derive(Debug)]
pub struct Management {
    api: Api,
    vhost: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Its tags come as a list, and came as one text before 3.9.
#[derive(Deserialize)]
struct Tagged {
    name: String,
    #[serde(default)]
    tags: serde_json::Value,
}

fn words(tags: &serde_json::Value) -> String {
    let listed = tags.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    listed.chain(tags.as_str()).filter(|tag| !tag.is_empty()).collect::<Vec<_>>().join(",")
}

impl Management {
    /// The API at `http(s)://user:password@host:15672` (without `/api`), for one virtual host; nothing is connected yet.
    ///
    /// # Errors
    /// When the URL is not such a one.
    pub fn new(url: &str, vhost: &str) -> Result<Self, ManagementError> {
        Ok(Self { api: Api::new(url)?, vhost: String::from(vhost) })
    }

    /// Makes a user who can log in with this password and do nothing, or gives one another password; tags it had are taken.
    pub async fn put_user(&self, name: &str, password: &str) -> Result<(), ManagementError> {
        let hash = hashed(rand::random(), password);
        let algorithm = "rabbit_password_hashing_sha256";
        let user = json!({ "password_hash": hash, "hashing_algorithm": algorithm, "tags": "" });
        self.api.put("making a user", &["users", name], user).await
    }

    /// Deletes a user, their permissions, and closes their connections.
    pub async fn delete_user(&self, name: &str) -> Result<(), ManagementError> {
        self.api.delete("deleting a user", &["users", name]).await
    }

    /// The names of users that begin so.
    pub async fn users(&self, prefix: &str) -> Result<Vec<String>, ManagementError> {
        let found: Vec<Named> = self.api.list("listing users", &["users"], &filter(prefix, "name")).await?;
        let names = found.into_iter().map(|user| user.name);
        Ok(names.filter(|name| name.starts_with(prefix)).collect())
    }

    /// The users whose names begin so and who bear tags, with their tags: whoever bears one may use the management API.
    pub async fn tagged(&self, prefix: &str) -> Result<Vec<(String, String)>, ManagementError> {
        let found: Vec<Tagged> =
            self.api.list("listing users", &["users"], &filter(prefix, "name,tags")).await?;
        let own = found.into_iter().filter(|user| user.name.starts_with(prefix));
        let tags = own.map(|user| (user.name, words(&user.tags)));
        Ok(tags.filter(|(_, tags)| !tags.is_empty()).collect())
    }

    /// Sets what a user may do. A connection may go by what was set before until it is made anew.
    pub async fn permit(&self, user: &str, permissions: &Permissions) -> Result<(), ManagementError> {
        let path = ["permissions", &self.vhost, user];
        self.api.put("setting permissions", &path, json!(permissions)).await
    }

    /// What a user may do; none when nothing was ever said, or there is no such user.
    pub async fn permissions(&self, user: &str) -> Result<Option<Permissions>, ManagementError> {
        let path = ["permissions", &self.vhost, user];
        match self.api.read("reading permissions", &path).await {
            Ok(permissions) => Ok(Some(permissions)),
            Err(ManagementError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes or replaces a policy.
    pub async fn put_policy(&self, policy: &Policy) -> Result<(), ManagementError> {
        let path = ["policies", &self.vhost, &policy.name];
        self.api.put("setting a policy", &path, json!(policy)).await
    }

    /// The policies whose names begin so.
    pub async fn policies(&self, prefix: &str) -> Result<Vec<Policy>, ManagementError> {
        let columns = filter(prefix, "name,pattern,apply-to,definition,priority");
        let path = ["policies", &self.vhost];
        let mut found: Vec<Policy> = self.api.list("listing policies", &path, &columns).await?;
        found.retain(|policy| policy.name.starts_with(prefix));
        Ok(found)
    }

    /// Deletes a policy.
    pub async fn delete_policy(&self, name: &str) -> Result<(), ManagementError> {
        self.api.delete("deleting a policy", &["policies", &self.vhost, name]).await
    }

    /// The exchanges whose names begin so.
    pub async fn exchanges(&self, prefix: &str) -> Result<Vec<Exchange>, ManagementError> {
        let columns = filter(prefix, "name,type,durable,arguments") + "&disable_stats=true";
        let path = ["exchanges", &self.vhost];
        let mut found: Vec<Exchange> = self.api.list("listing exchanges", &path, &columns).await?;
        found.retain(|exchange| exchange.name.starts_with(prefix));
        Ok(found)
    }

    /// The queues whose names begin so.
    pub async fn queues(&self, prefix: &str) -> Result<Vec<Queue>, ManagementError> {
        let counts = "messages_ready,messages_unacknowledged,consumers";
        // A broker that gathers no metrics counts messages when it is asked to.
        let columns = filter(prefix, &format!("name,type,durable,arguments,policy,operator_policy,{counts}"))
            + "&enable_queue_totals=true";
        let path = ["queues", &self.vhost];
        let mut found: Vec<Queue> = self.api.list("listing queues", &path, &columns).await?;
        found.retain(|queue| queue.name.starts_with(prefix));
        Ok(found)
    }

    /// The bindings from exchanges whose names begin so; never those every queue has from the exchange without a name.
    pub async fn bindings(&self, prefix: &str) -> Result<Vec<Binding>, ManagementError> {
        self.bound(&["bindings", &self.vhost], prefix).await
    }

    /// The bindings that lead to a queue, none when there is no such queue; never the one from the exchange without a name.
    pub async fn bindings_of(&self, queue: &str) -> Result<Vec<Binding>, ManagementError> {
        self.bound(&["queues", &self.vhost, queue, "bindings"], "").await
    }

    /// Deletes a queue, with all that waits in it.
    pub async fn delete_queue(&self, name: &str) -> Result<(), ManagementError> {
        self.api.delete("deleting a queue", &["queues", &self.vhost, name]).await
    }

    /// Deletes an exchange and its bindings.
    pub async fn delete_exchange(&self, name: &str) -> Result<(), ManagementError> {
        self.api.delete("deleting an exchange", &["exchanges", &self.vhost, name]).await
    }

    /// Deletes a binding from an exchange to a queue, by its [`Binding::properties_key`].
    pub async fn unbind(
        &self,
        exchange: &str,
        queue: &str,
        properties_key: &str,
    ) -> Result<(), ManagementError> {
        let path = ["bindings", &self.vhost, "e", exchange, "q", queue, properties_key];
        self.api.delete("deleting a binding", &path).await
    }

    async fn bound(&self, path: &[&str], prefix: &str) -> Result<Vec<Binding>, ManagementError> {
        // Bindings have no name to be filtered by.
        let mut found: Vec<Binding> = self.api.list("listing bindings", path, &filter("", BINDING)).await?;
        found.retain(|binding| !binding.source.is_empty() && binding.source.starts_with(prefix));
        Ok(found)
    }
}

/// The columns wanted of what has this in its name; the API finds it anywhere in a name, in either case.
fn filter(prefix: &str, columns: &str) -> String {
    let name = utf8_percent_encode(prefix, NON_ALPHANUMERIC);
    if prefix.is_empty() { format!("columns={columns}") } else { format!("name={name}&columns={columns}") }
}

/// A password as RabbitMQ keeps it: the salt, then SHA-256 of the salt and the password.
fn hashed(salt: [u8; 4], password: &str) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(password).finalize();
    STANDARD.encode([salt.as_slice(), digest.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hashed_as_rabbitmq_does() {
        // The example of RabbitMQ's guide to passwords.
        let hash = hashed([0x90, 0x8D, 0xC6, 0x0A], "test12");
        assert_eq!(hash, "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
    }
}
