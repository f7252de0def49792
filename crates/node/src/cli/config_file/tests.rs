use std::io::Write;

use super::*;
use crate::cli::serve::ServeFlags;
use crate::cli::units::Size;

fn serve(text: &str) -> Result<ServeFlags, ConfigError> {
    ConfigFile::parse(Path::new("f"), text.to_owned())?.flags("serve")
}

#[test]
fn flags_have_twins() {
    let flags = serve("[serve]\nlisten = ['127.0.0.1:1', 'unix:/tmp/x']\nmax-item = '2mb'\n").unwrap();
    assert_eq!(flags.max_item, Some(Size(2 << 20)));
    assert_eq!(flags.listen.len(), 2);
    assert!(serve("").unwrap().listen.is_empty());
    assert_eq!(
        serve("[pools.x]\ndiscover = 7\n[serve]\nmemory = '1gb'").unwrap().memory,
        Some(Size(1 << 30))
    );
}

#[test]
fn mistakes_are_placed() {
    #[track_caller]
    fn check(text: &str, places: &[(&str, &str)]) {
        let error = serve(text).unwrap_err().to_string();
        let found: Vec<&str> = error.lines().filter(|line| line.starts_with("f:")).collect();
        assert_eq!(found.len(), places.len(), "{error}");
        for (line, (place, words)) in found.iter().zip(places) {
            assert!(line.starts_with(&format!("f:{place}: ")) && line.contains(words), "{error}");
        }
    }
    check("[serve]\nmemmory = '2mb'\n", &[("2:1", "\"memmory\"; did you mean memory?")]);
    check("[serve]\nmemory = '2xb'\n", &[("2:10", "not a size")]);
    check(
        "[serve]\nhtp = 'off'\nmemory = '2xb'\nlisten = ['127.0.0.1:1', 'é']\n",
        &[("2:1", "http"), ("3:10", "not a size"), ("4:10", "HOST:PORT")],
    );
    check("serve = 7", &[("1:9", "table, not an integer")]);
    check("[serv]\n[prooxy]", &[("1:2", "did you mean serve?"), ("2:2", "did you mean proxy?")]);
    check("[serve]\nmemory = '1gb'\nmemory = '2gb'", &[("3:1", "already in this table")]);
    check("[serve]\nmemory = \n[pools", &[("2:10", "not TOML"), ("3:7", "not TOML")]);
}

#[test]
fn what_is_no_config_file_is_told() {
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let folder = peerset_testkit::TempDir::new().unwrap();
        let path = folder.path().join("f");
        File::create(&path).unwrap().write_all(bytes).unwrap();
        let error = ConfigFile::read(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    check(b"# \xc3\xa9\n\xc3\xa9\xff", ":2:2: the config file is not UTF-8");
    check(&vec![b'#'; (1 << 20) + 1], "larger than 1048576 bytes");
    let error = ConfigFile::read(Path::new("/no/such/file")).unwrap_err().to_string();
    assert!(error.contains("cannot read the config file /no/such/file"), "{error}");
    assert!(ConfigFile::read(Path::new("/")).is_err());
}
