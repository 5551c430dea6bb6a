//! Where a webhook may lead: to the Internet over TLS, or into networks the operator named; never to the hub's own machine or network by
//! whatever name or redirection (SSRF).
//!
//! A URL enters; it leaves when what it names may be called. Names are resolved here, and only addresses that may be called are given to
//! the client, so a name cannot lead elsewhere between the check and the call.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Networks that are not the public Internet (IANA special-purpose registries, RFC 6890 and later).
const SPECIAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];
/// IPv6 addresses that hold an IPv4 one in their last four bytes: mapped, compatible, translated (RFC 6052).
const HOLDING_IPV4: &[&str] = &["::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48"];
/// Those that hold one behind their first two bytes (6to4, RFC 3056).
const SIX_TO_FOUR: &str = "2002::/16";

/// A URL that may not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It cannot be read, or has a user or a password.
    #[error("expected an address such as `https://outil.example/dlnuf`, without user or password")]
    Url,
    /// It is not encrypted, and leads out of the networks named.
    #[error("expected `https`: without it only the networks of `--webhook-networks` are called")]
    Plain,
    /// It leads to this machine, or into a network nobody named.
    #[error("expected a public address, or one of the networks of `--webhook-networks`")]
    Inside,
}

/// Networks of the house that may be called besides the Internet.
#[derive(Debug, Clone, Default)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    /// Reads them, each like `10.1.0.0/16`.
    ///
    /// # Errors
    /// The first that is none.
    pub fn read(networks: &[String]) -> Result<Self, String> {
        let read = |text: &String| text.parse::<IpNet>().map_err(|_| text.clone());
        networks.iter().map(read).collect::<Result<Vec<_>, _>>().map(|all| Self(all.into()))
    }

    fn are_of_the_house(&self, address: IpAddr) -> bool {
        let plain = plain(address);
        self.0.iter().any(|network| network.contains(&address) || network.contains(&plain))
    }

    /// Whether an address may be called.
    pub fn admit(&self, address: IpAddr) -> bool {
        self.are_of_the_house(address) || is_public(address)
    }

    /// Reads a URL that may be called, as far as that can be told before its name is resolved.
    ///
    /// # Errors
    /// When it may not.
    pub fn target(&self, url: &str) -> Result<Url, TargetError> {
        let url = Url::parse(url).map_err(|_| TargetError::Url)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(TargetError::Url);
        }
        let literal = literal(&url);
        match (url.scheme(), literal) {
            ("https", Some(address)) if self.admit(address) => Ok(url),
            ("https", None) if url.has_host() => Ok(url),
            ("http", Some(address)) if self.are_of_the_house(address) => Ok(url),
            ("http", _) => Err(TargetError::Plain),
            ("https", Some(_)) => Err(TargetError::Inside),
            _ => Err(TargetError::Url),
        }
    }
}

/// The address a URL names by its digits.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// The IPv4 address an IPv6 one stands for; else itself.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let within = |network: &str| network.parse::<IpNet>().is_ok_and(|network| network.contains(&address));
    let octets = six.octets();
    let four = |from: usize| {
        octets.get(from..).and_then(<[u8]>::first_chunk::<4>).map_or(address, |four| IpAddr::from(*four))
    };
    if within(SIX_TO_FOUR) {
        return four(2);
    }
    // `::` and `::1` are themselves.
    let special = six == Ipv6Addr::UNSPECIFIED || six == Ipv6Addr::LOCALHOST;
    if !special && HOLDING_IPV4.iter().any(|network| within(network)) { four(12) } else { address }
}

fn is_public(address: IpAddr) -> bool {
    let plain = plain(address);
    !SPECIAL.iter().any(|network| network.parse::<IpNet>().is_ok_and(|network| network.contains(&plain)))
}

/// Resolves names to addresses that may be called.
pub(super) struct Resolver(pub Networks);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> = found.filter(|found| networks.admit(found.ip())).collect();
            if admitted.is_empty() {
                return Err(Box::new(TargetError::Inside) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_called_unless_a_network_is_named() {
        let inside = [
            "https://127.0.0.1/e",
            "https://127.1/e",
            "https://2130706433/e",
            "https://0x7f.1/e",
            "https://0/e",
            "https://10.1.2.3/e",
            "https://172.31.0.1/e",
            "https://192.168.1.1/e",
            "https://169.254.169.254/latest",
            "https://100.64.0.1/e",
            "https://[::1]/e",
            "https://[::]/e",
            "https://[fe80::1]/e",
            "https://[fec0::1]/e",
            "https://[fd00::1]/e",
            "https://[::ffff:127.0.0.1]/e",
            "https://[::ffff:7f00:1]/e",
            "https://[64:ff9b::7f00:1]/e",
            "https://[2002:7f00:1::]/e",
            "https://224.0.0.1/e",
            "https://255.255.255.255/e",
        ];
        let networks = Networks::default();
        for url in inside {
            assert_eq!(networks.target(url), Err(TargetError::Inside), "{url}");
        }
        for url in ["https://outil.example/e", "https://93.184.216.34/e", "https://[2606:2800:220:1::]/e"] {
            assert!(networks.target(url).is_ok(), "{url}");
        }
        for url in ["http://outil.example/e", "http://93.184.216.34/e", "http://127.0.0.1/e"] {
            assert_eq!(networks.target(url), Err(TargetError::Plain), "{url}");
        }
        for url in ["ftp://outil.example/", "https://u:p@outil.example/", "file:///etc/passwd", "outil", ""] {
            assert_eq!(networks.target(url), Err(TargetError::Url), "{url}");
        }
        let named = Networks::read(&["10.0.0.0/8".to_owned()]).expect("networks");
        for url in ["https://10.1.2.3/e", "http://10.1.2.3:8080/e", "https://[::ffff:10.1.2.3]/e"] {
            assert!(named.target(url).is_ok(), "{url}");
        }
        assert_eq!(named.target("https://192.168.1.1/e"), Err(TargetError::Inside));
        assert_eq!(
            Networks::read(&["10.0.0.0/8".to_owned(), "10.0".to_owned()]).err().as_deref(),
            Some("10.0")
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_resolved() {
        let resolver = Resolver(Networks::default());
        let name = "localhost".parse().expect("a name");
        assert!(resolver.resolve(name).await.is_err());
        let named = Resolver(Networks::read(&["127.0.0.0/8".to_owned()]).expect("networks"));
        let found = named.resolve("localhost".parse().expect("a name")).await.map(Iterator::count);
        assert_eq!(found.ok(), Some(1));
    }
}
