internal import GRDB
internal import SpindleCore

/// The tables of the store, as numbered migrations that are never edited once released.
enum StoreSchema {
    /// Stands in the head of the file: "SPND".
    static let applicationID: Int64 = 0x5350_4E44

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in try db.execute(sql: version1) }
        return migrator
    }

    // States are the numbers of ExecutionState: 2 queued, 3 running; from 5 on they are final. Times are microseconds UTC.
    // An index is on the road of every job, so each covers only the rows it is for.
    private static let version1 = """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES ('epoch', 0);

        CREATE TABLE hosts (
            number INTEGER PRIMARY KEY, id BLOB NOT NULL, epoch INTEGER NOT NULL, lease_until INTEGER NOT NULL,
            types TEXT NOT NULL, opened_at INTEGER NOT NULL
        );

        CREATE TABLE definitions (
            id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, job_name TEXT, on_interrupted INTEGER NOT NULL,
            body TEXT NOT NULL
        );
        CREATE INDEX definitions_by_name ON definitions (job_name) WHERE job_name IS NOT NULL;

        CREATE TABLE executions (
            id BLOB PRIMARY KEY, job BLOB NOT NULL, definition INTEGER NOT NULL, type TEXT NOT NULL,
            target TEXT NOT NULL, parameters BLOB, state INTEGER NOT NULL, priority INTEGER NOT NULL,
            rank INTEGER NOT NULL, run_at INTEGER, start_by INTEGER, created_at INTEGER NOT NULL, started_at INTEGER,
            finished_at INTEGER, attempt INTEGER NOT NULL, failures INTEGER NOT NULL, crashes INTEGER NOT NULL,
            losses INTEGER NOT NULL, extra_retries INTEGER NOT NULL, flags INTEGER NOT NULL, host INTEGER,
            epoch INTEGER, cancel_at INTEGER, pending_parents INTEGER NOT NULL, last_outcome INTEGER, workflow BLOB,
            concurrency_key TEXT, unique_hash BLOB, error_code TEXT, error TEXT, ran_on TEXT, trace_parent TEXT,
            trace_state TEXT
        ) WITHOUT ROWID;
        CREATE INDEX executions_ready ON executions (type, rank) WHERE state = 2;
        CREATE INDEX executions_due ON executions (run_at) WHERE state IN (0, 4);
        CREATE INDEX executions_running ON executions (host) WHERE state = 3;
        CREATE INDEX executions_final ON executions (state, finished_at) WHERE state >= 5;
        CREATE INDEX executions_expiring ON executions (start_by)
            WHERE start_by IS NOT NULL AND attempt = 0 AND state < 3;
        CREATE UNIQUE INDEX executions_unique ON executions (unique_hash) WHERE unique_hash IS NOT NULL AND state < 5;

        CREATE TABLE blobs (
            execution BLOB NOT NULL, kind INTEGER NOT NULL, content_type TEXT, bytes BLOB NOT NULL,
            PRIMARY KEY (execution, kind)
        ) WITHOUT ROWID;
        CREATE TABLE attempts (
            execution BLOB NOT NULL, number INTEGER NOT NULL, outcome INTEGER NOT NULL, started_at INTEGER,
            finished_at INTEGER, error_code TEXT, error TEXT, stack_trace TEXT, details TEXT, metadata TEXT,
            ran_on TEXT, PRIMARY KEY (execution, number)
        ) WITHOUT ROWID;
        CREATE TABLE checkpoints (execution BLOB PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE dependencies (
            child BLOB NOT NULL, parent BLOB NOT NULL, "on" INTEGER NOT NULL, is_met INTEGER NOT NULL,
            PRIMARY KEY (child, parent)
        ) WITHOUT ROWID;
        CREATE INDEX dependencies_by_parent ON dependencies (parent);
        CREATE TABLE idempotency (
            principal TEXT NOT NULL, key TEXT NOT NULL, body_hash BLOB NOT NULL, execution BLOB NOT NULL,
            expires_at INTEGER NOT NULL, PRIMARY KEY (principal, key)
        ) WITHOUT ROWID;
        CREATE INDEX idempotency_expiring ON idempotency (expires_at);

        CREATE TABLE jobs (
            name TEXT PRIMARY KEY, id BLOB NOT NULL, body TEXT NOT NULL, payload BLOB, updated_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE counters (
            minute INTEGER NOT NULL, state INTEGER NOT NULL, type TEXT NOT NULL, entered INTEGER NOT NULL,
            "left" INTEGER NOT NULL, PRIMARY KEY (minute, state, type)
        ) WITHOUT ROWID;
        """
}

/// Facts in the `flags` column that let most commands leave other tables alone.
struct RowFlags: OptionSet {
    let rawValue: Int64
    static let payload = RowFlags(rawValue: 1)
    static let parameters = RowFlags(rawValue: 2)
    static let checkpoint = RowFlags(rawValue: 4)
    static let children = RowFlags(rawValue: 8)
    static let suspect = RowFlags(rawValue: 16)
}

/// The `kind` of a row in `blobs`.
enum BlobKind: Int64 {
    case payload = 0
    case parameters = 1
    case output = 2
}

extension DependencyCondition {
    /// The number in the `on` column.
    var number: Int64 {
        switch self {
        case .succeeded: 0
        case .failed: 1
        case .any: 2
        }
    }

    /// Reads such a number; others mean success only, the strictest.
    init(number: Int64) { self = number == 2 ? .any : number == 1 ? .failed : .succeeded }
}
