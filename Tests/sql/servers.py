"""Real databases on free ports of the loopback, with their data in a directory that is thrown away."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

DRIVERS = next((p for p in pathlib.Path("/usr/lib").glob("*/odbc") if (p / "psqlodbcw.so").exists()), pathlib.Path("/usr/lib/odbc"))
HERE = pathlib.Path(__file__).parent
PASSWORDS = {"postgresql": "p;w}d%41+x{ =\"'';", "mariadb": "m;w}d%41+x{ =\"';"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def as_user(user):
    """Both servers refuse to be root's."""
    return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if os.getuid() == 0 else []


def until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def certificate(folder, name):
    """A certificate for `name`, signed by itself."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}"], check=True, capture_output=True)


class Server:
    user = None

    def __init__(self, root):
        self.root = pathlib.Path(root) / self.name
        self.root.mkdir(mode=0o755)
        self.data = self.root / "data"
        self.port = free_port()
        self.process = None
        certificate(self.root, "localhost")
        self.own()

    def own(self):
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", f"{self.user}:", self.root], check=True)
        os.chmod(self.root / "key.pem", 0o600)

    def launch(self, command):
        log = open(self.root / "log", "ab")
        self.process = subprocess.Popen(as_user(self.user) + command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self.answers, f"{self.name} answers; its log: {self.root}/log")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError((self.root / "log").read_text()[-2000:])
        return subprocess.run(self.client("SELECT 1", self.first_database), capture_output=True).returncode == 0

    def sql(self, text, database="work"):
        done = subprocess.run(self.client(text, database), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def stop(self, how=signal.SIGINT):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()


class Postgres(Server):
    name, user, first_database = "postgresql", "postgres", "postgres"

    def __init__(self, root):
        self.bin = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        super().__init__(root)
        (self.root / "password").write_text(PASSWORDS[self.name])
        self.own()
        subprocess.run(as_user(self.user) + [self.bin / "initdb", "-D", self.data, "-A", "scram-sha-256", "-U", "spindle", "--pwfile",
                       self.root / "password", "--no-sync", "-E", "UTF8", "--no-locale"], check=True, capture_output=True)
        with open(self.data / "postgresql.conf", "a") as f:
            f.write(f"port={self.port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{self.root}'\nfsync=off\nssl=on\n"
                    f"ssl_cert_file='{self.root}/cert.pem'\nssl_key_file='{self.root}/key.pem'\ndeadlock_timeout=50ms\n"
                    "shared_buffers=16MB\n")

    def start(self):
        self.launch([str(self.bin / "postgres"), "-D", str(self.data)])
        return self

    def client(self, text, database):
        os.environ["PGPASSWORD"] = PASSWORDS[self.name]
        return ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "spindle", "-c", text, database]

    def set_up(self):
        self.sql("CREATE DATABASE work", "postgres")
        self.sql((HERE / "postgresql.sql").read_text())

    def running(self, part):
        """How many statements the server is at whose text has `part`."""
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%{part}%' AND pid <> pg_backend_pid()"))

    def kill(self, part):
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%{part}%' AND pid <> pg_backend_pid()")

    def connections(self):
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'work' AND pid <> pg_backend_pid()"))

    def idle_transactions(self):
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"))

    def settings(self, **more):
        return {"driver": str(DRIVERS / "psqlodbcw.so"), "server": "localhost", "port": self.port, "database": "work", "user": "spindle",
                "password": "secret://postgresql", **more}


class MariaDB(Server):
    name, user, first_database = "mariadb", "mysql", "mysql"

    def __init__(self, root):
        super().__init__(root)
        self.socket = self.root / "s"
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db", "--auth-root-authentication-method=normal"]
                       + ([f"--user={self.user}"] if os.getuid() == 0 else []), check=True, capture_output=True)

    def start(self):
        self.launch([shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/libexec"), "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                     "--bind-address=127.0.0.1", f"--socket={self.socket}", "--innodb-flush-log-at-trx-commit=0",
                     "--innodb-flush-method=nosync", "--innodb-buffer-pool-size=32M", "--innodb-lock-wait-timeout=60",
                     f"--ssl-cert={self.root}/cert.pem", f"--ssl-key={self.root}/key.pem", "--character-set-server=utf8mb4"])
        return self

    def client(self, text, database):
        return ["mariadb", "--no-defaults", "-N", "-B", "-u", "root", "-S", str(self.socket), "-e", text, database]

    def set_up(self):
        password = PASSWORDS[self.name].replace("'", "''")
        self.sql(f"CREATE DATABASE work; CREATE USER spindle IDENTIFIED BY '{password}'; GRANT ALL ON work.* TO spindle", "mysql")
        self.sql((HERE / "mariadb.sql").read_text())

    def running(self, part):
        return int(self.sql(f"SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%{part}%' AND id <> CONNECTION_ID()"))

    def kill(self, part):
        ids = self.sql(f"SELECT id FROM information_schema.processlist WHERE info LIKE '%{part}%' AND id <> CONNECTION_ID()").split()
        self.sql("; ".join(f"KILL {i}" for i in ids))

    def connections(self):
        return int(self.sql("SELECT count(*) FROM information_schema.processlist WHERE user = 'spindle'"))

    def idle_transactions(self):
        return int(self.sql("SELECT count(*) FROM information_schema.innodb_trx JOIN information_schema.processlist ON id = trx_mysql_thread_id "
                            "WHERE command = 'Sleep'"))

    def settings(self, **more):
        return {"driver": str(DRIVERS / "libmaodbc.so"), "server": "127.0.0.1", "port": self.port, "database": "work", "user": "spindle",
                "password": "secret://mariadb", **more}


def sqlite_settings(path, **more):
    return {"driver": str(DRIVERS / "libsqlite3odbc.so"), "database": str(path), **more}
