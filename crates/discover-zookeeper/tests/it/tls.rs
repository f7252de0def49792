//! Encrypted connections, through a terminator in front of the server.

use std::path::Path;
use std::process::Command;

use peerset_cluster::Discover;
use peerset_discover_zookeeper::{ServersetConfig, Tls, Zookeeper as Session};
use peerset_testkit::{Port, Program, TempDir, Zookeeper};

use crate::support::{SET, config, join, path, set, until};

/// An authority, and a certificate for 127.0.0.1 that it signed.
const CERTIFICATES: &str = r#"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca &&
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem -subj /CN=zk &&
echo subjectAltName=IP:127.0.0.1 > extensions &&
openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out chain.pem
"#;

const TERMINATOR: &str = r#"
import socket, ssl, sys, threading
listen, target = int(sys.argv[1]), int(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('chain.pem', 'key.pem')
server = socket.create_server(('127.0.0.1', listen))
print('ready', flush=True)
def pump(a, b):
    try:
        while data := a.recv(65536): b.sendall(data)
    except OSError: pass
    for s in (a, b):
        try: s.close()
        except OSError: pass
while True:
    plain, _ = server.accept()
    try: secret = context.wrap_socket(plain, server_side=True)
    except OSError: continue
    onward = socket.create_connection(('127.0.0.1', target))
    threading.Thread(target=pump, args=(secret, onward), daemon=True).start()
    threading.Thread(target=pump, args=(onward, secret), daemon=True).start()
"#;

fn terminator(dir: &Path, port: &Port, server: &Zookeeper) -> Program {
    let made = Command::new("sh").args(["-c", CERTIFICATES]).current_dir(dir).output().unwrap();
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    let mut command = Command::new("python3");
    command.args(["-c", TERMINATOR, &port.number().to_string(), &server.addr().port().to_string()]);
    let mut program = Program::start(command.current_dir(dir), "apt-get install python3");
    program.line_after("ready");
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_over_an_encrypted_connection() {
    let server = Zookeeper::start();
    let (dir, port) = (TempDir::new().unwrap(), Port::claim());
    let _terminator = terminator(dir.path(), &port, &server);
    let open = |authority: &str| {
        let mut session = config();
        session.tls = Some(Tls::new(std::fs::read_to_string(dir.path().join(authority)).unwrap()).unwrap());
        Session::connect_alone(&[port.addr().try_into().unwrap()], session).unwrap()
    };
    let secret = open("ca.pem").serverset(path(SET), ServersetConfig::default());
    let _member = join(&secret, "a:1").await;
    until(&set(server.addr()).watch(), "ready a:1").await;
    // Its own certificate is no authority that signed it.
    let stranger = open("chain.pem");
    let why = peerset_testkit::wait_for("a reason", crate::support::PATIENCE, || {
        stranger.trouble().filter(|trouble| trouble.contains("begins no session"))
    });
    assert!(!stranger.is_connected(), "{why}");
}
