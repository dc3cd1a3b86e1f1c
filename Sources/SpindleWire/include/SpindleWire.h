/*
 * The private protocol between a host and its worker processes. It may change with every build: both sides compare
 * spw_build_id(), a digest of the tables in messages.c, and refuse each other when it differs.
 *
 * A frame is a header of 16 bytes, little-endian {u32 length of the body, u16 type, u16 flags, u64 handle}, and a
 * body: the fields of the message's struct below, in the struct's order. u32/u64/i64 are little-endian; bytes are a
 * u32 length and the bytes; a list is a u32 count and its items. A body must be used up exactly. A frame with header is
 * at most SPW_FRAME_MAX long. `handle` is a token that the host chooses: of an attempt, an instance or a question; 0 is
 * the plugin. Tokens are never those that a plugin sees.
 *
 *   socket   from    frame              handle    message struct          answer, or when it is sent
 *   -------- ------- ------------------ --------- ----------------------- ------------------------------------------
 *   control  host    SETUP              -         spw_setup               only to `spindle-worker --sandbox`: the first frame there
 *            host    KILL               -         spw_kill                EXITED, at last the end of the stream
 *            init    SPAWNED            -         spw_spawned             once, after the runner was started
 *            init    EXITED             -         spw_exited              for every process that init reaped
 *   runner   host    HELLO              -         spw_hello               READY or FAILED; the first frame
 *            runner  READY              -         spw_ready
 *            runner  FAILED             question  spw_failed              also to DESCRIBE_INSTANCE
 *            host    DESCRIBE           -         -                       REPORT_PLUGIN, REPORT_EXECUTOR…, REPORT_END
 *            host    AUDIT              -         -                       AUDITED; calls the plugin's init
 *            runner  AUDITED            -         spw_audited
 *            host    DESCRIBE_INSTANCE  question  spw_create              REPORT_EXECUTOR and REPORT_END, or FAILED
 *            host    CREATE             instance  spw_create              CREATED
 *            host    CHECK              instance  -                       CHECKED
 *            host    DESTROY            instance  -                       DESTROYED
 *            runner  CREATED, CHECKED, DESTROYED   instance   spw_answer
 *            host    CAN_EXECUTE        question  spw_question            ANSWER
 *            runner  ANSWER             question  spw_answer              status 1 = yes
 *            host    START              attempt   spw_start               COMPLETED and, later or at once, RELEASED
 *            host    CANCEL             attempt   spw_cancel              nothing; harmless when it is late
 *            runner  COMPLETED          attempt   spw_completed           exactly once for each START
 *            runner  RELEASED           attempt   spw_released            exactly once, last: its code has ended
 *            runner  LOG                any       spw_log                 within the credit for logs
 *            runner  PROGRESS           attempt   spw_progress            coalesced to SPW_COALESCE_MS
 *            runner  HEARTBEAT          attempt   -                       coalesced
 *            runner  CHECKPOINT         attempt   spw_blob                coalesced, the newest counts
 *            runner  ARTEFACT           attempt   spw_artefact            within the credit for artefacts
 *            runner  SUBMIT             attempt   spw_submit              of a trigger; SUBMITTED, once for each
 *            host    SUBMITTED          attempt   spw_submitted           harmless when it is late
 *            host    CREDIT             -         spw_credit              gives back what it consumed
 *            host    SET_LOG_LEVEL      -         spw_level
 *            host    PING               -         spw_ping                PONG, from a thread that no plugin can hold
 *            runner  PONG               -         spw_pong
 *            host    SHUTDOWN           -         -                       destroys instances, calls shutdown, exits 0
 *
 * CREDIT counts whole frames (header and body) of LOG, and of ARTEFACT; control frames need none. The last log lines of
 * an attempt may run ahead of it, by 64 KiB of text. Only processes that
 * already share a machine and a build talk this, but a plugin can write to the socket that its process holds: both
 * sides treat every byte as hostile. Nothing here reads out of bounds whatever the bytes are (Tests/fuzz/wire.c).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SPW_HEADER_SIZE = 16,
    SPW_FRAME_MAX = 4 * 1024 * 1024,
    SPW_COALESCE_MS = 100,
    SPW_FEW_ATTEMPTS = 2,       /* up to so many open ones are served at once, more of them together */
    SPW_GATHER_NS = 250 * 1000, /* how long what is to be done together is waited for */
};

/* The file descriptors of a worker (see SpindleWorker/main.c). */
enum {
    SPW_FD_CONTROL = 3, /* init's socket to the host */
    SPW_FD_RUNNER = 4,  /* the runner's socket to the host */
    SPW_FD_PLUGIN = 5,  /* the sealed memfd with the plugin's bytes */
    SPW_FD_PAGE = 6,    /* the shared page */
    SPW_FD_FILES = 7,   /* the first of the files of instances */
};

enum {
    SPW_KILL = 1,
    SPW_SPAWNED = 2,
    SPW_EXITED = 3,
    SPW_SETUP = 4,
    SPW_HELLO = 16,
    SPW_READY = 17,
    SPW_FAILED = 18,
    SPW_DESCRIBE = 19,
    SPW_REPORT_PLUGIN = 20,
    SPW_REPORT_EXECUTOR = 21,
    SPW_REPORT_END = 22,
    SPW_DESCRIBE_INSTANCE = 23,
    SPW_CREATE = 24,
    SPW_CREATED = 25,
    SPW_CHECK = 26,
    SPW_CHECKED = 27,
    SPW_DESTROY = 28,
    SPW_DESTROYED = 29,
    SPW_CAN_EXECUTE = 30,
    SPW_ANSWER = 31,
    SPW_START = 32,
    SPW_CANCEL = 33,
    SPW_COMPLETED = 34,
    SPW_RELEASED = 35,
    SPW_LOG = 36,
    SPW_PROGRESS = 37,
    SPW_HEARTBEAT = 38,
    SPW_CHECKPOINT = 39,
    SPW_ARTEFACT = 40,
    SPW_CREDIT = 41,
    SPW_PING = 42,
    SPW_PONG = 43,
    SPW_SHUTDOWN = 44,
    SPW_SET_LOG_LEVEL = 45,
    SPW_SUBMIT = 46,
    SPW_SUBMITTED = 47,
    SPW_AUDIT = 60,
    SPW_AUDITED = 61,
};

/* ---- Values in messages. ------------------------------------------------------------------------------------------ */

typedef struct spw_bytes {
    const void *ptr; /* NULL only when len is 0 */
    size_t len;
} spw_bytes;

typedef struct spw_kv {
    spw_bytes key;
    spw_bytes value;
} spw_kv;

typedef struct spw_kvs {
    const spw_kv *items;
    size_t count;
} spw_kvs;

typedef struct spw_list {
    const spw_bytes *items;
    size_t count;
} spw_list;

/* ---- Messages. Only uint32_t, uint64_t, int64_t, spw_bytes, spw_kvs, spw_list and, inside, spw_fault. ---------------- */

typedef struct spw_kill {
    uint32_t signal; /* SIGTERM or SIGKILL, to every descendant of init */
} spw_kill;

typedef struct spw_spawned {
    uint32_t pid; /* the runner */
} spw_spawned;

typedef struct spw_exited {
    uint32_t pid;
    uint32_t is_runner;
    uint32_t wait_status; /* verbatim from wait4 */
    uint64_t user_us;
    uint64_t system_us;
    uint64_t max_rss_kib;
} spw_exited;

#include "SpindleSetup.h" /* spw_setup */

typedef struct spw_hello {
    spw_bytes build_id;
    spw_bytes digest; /* of the plugin, as text; only echoed */
    uint32_t abi_minor;
    uint32_t threads; /* blocking attempts at once, 1…SPW_THREADS_MAX */
    uint32_t log_level;
    uint64_t log_credit;
    uint64_t artefact_credit;
    spw_bytes host_version;
    uint32_t audits; /* 1 = look at what loading the plugin changes, for REPORT_PLUGIN */
} spw_hello;

typedef struct spw_ready {
    spw_bytes build_id;
    spw_bytes digest;
    uint32_t abi_minor; /* the plugin's */
    uint32_t pid;
    spw_bytes plugin_id;
    spw_bytes plugin_version;
    uint32_t executor_count;
} spw_ready;

typedef struct spw_failed {
    spw_bytes code; /* "spindle.load", "spindle.factory", "spindle.init", "spindle.protocol", "spindle.describe",
                       "spindle.sandbox" */
    spw_bytes message;
} spw_failed;

typedef struct spw_report_plugin {
    uint32_t abi_minor;
    uint32_t min_host_minor;
    spw_bytes plugin_id;
    spw_bytes plugin_version;
    spw_bytes sdk;
    uint32_t executor_count;
    spw_list changes; /* of what the whole process shares, while it was loaded: "umask", "signal:SIGSEGV" … */
} spw_report_plugin;

typedef struct spw_audited {
    int64_t status;   /* of the plugin's init */
    spw_list changes; /* likewise, while it was called */
} spw_audited;

typedef struct spw_report_executor {
    spw_bytes type;
    uint32_t flags; /* SPINDLE_EXECUTOR_* */
    uint32_t functions; /* SPW_HAS_* */
    uint32_t is_trigger; /* 1 = a kind of trigger; its type is a name among those */
    spw_list target_prefixes;
    spw_bytes name;
    spw_bytes version;
    spw_bytes vendor;
    spw_bytes license;
    spw_bytes description;
    spw_bytes docs_url;
    spw_bytes config_schema;
    spw_bytes parameters_schema;
    spw_bytes output_schema;
    spw_list needs;
    int64_t concurrency_hint;
    int64_t timeout_ms_hint;
} spw_report_executor;

enum {
    SPW_HAS_DESCRIBE = 1,
    SPW_HAS_CREATE = 2,
    SPW_HAS_CHECK = 4,
    SPW_HAS_CAN_EXECUTE = 8,
    SPW_HAS_CANCEL = 16,
    SPW_HAS_RELEASE = 32,
    SPW_HAS_DESTROY = 64,
    SPW_HAS_WRITABLE = 128,
};

typedef struct spw_create {
    spw_bytes uses; /* the descriptor's type */
    spw_bytes type; /* the instance's name; empty = the same */
    spw_bytes config;
    spw_kvs secrets;
    spw_list files;      /* names */
    uint32_t first_file; /* file i is descriptor first_file + i of the worker */
    uint32_t concurrency; /* open attempts at most; 0 = 1, or without bound if the executor is CONCURRENT */
    uint32_t is_trigger;  /* 1 = `uses` names a kind of trigger */
} spw_create;

/* The one form of an error (spindle_error). */
typedef struct spw_fault {
    spw_bytes code;
    spw_bytes message;
    spw_bytes details;
    spw_bytes pointer;
    spw_bytes stack_trace;
} spw_fault;

typedef struct spw_answer {
    int64_t status;    /* spindle_status; for ANSWER 1 = yes */
    uint32_t outcome;  /* of the error, SPINDLE_RETRYABLE or SPINDLE_PERMANENT */
    spw_fault fault;
} spw_answer;

typedef struct spw_question {
    spw_bytes uses;
    spw_bytes type;
    spw_bytes target;
    spw_kvs parameters;
    spw_bytes payload;
    spw_bytes content_type;
} spw_question;

typedef struct spw_start {
    uint64_t instance; /* token of CREATE */
    int64_t attempt;
    int64_t failures;
    int64_t max_failures;
    int64_t timeout_ms;
    int64_t deadline_mono_ns;
    int64_t started_unix_ms;
    spw_bytes execution_id;
    spw_bytes attempt_id;
    spw_bytes job_name;
    spw_bytes type;
    spw_bytes target;
    spw_kvs parameters;
    spw_bytes payload;
    spw_bytes content_type;
    spw_bytes idempotency_key;
    spw_bytes traceparent;
    spw_bytes tracestate;
    spw_bytes checkpoint;
    spw_kvs secrets;
} spw_start;

typedef struct spw_cancel {
    uint32_t reason; /* SPINDLE_CANCEL_* */
    int64_t grace_ms;
} spw_cancel;

enum {
    SPW_ORIGIN_PLUGIN = 0,   /* the plugin called complete */
    SPW_ORIGIN_REFUSED = 1,  /* execute returned the error in `status` */
    SPW_ORIGIN_CONTRACT = 2, /* the plugin broke the contract: OK without complete, an unknown outcome, … */
    SPW_ORIGIN_HOST = 3,     /* not given to the plugin: unknown instance, no room, bad request; see `status` */
};

typedef struct spw_completed {
    uint32_t origin;
    int64_t status;   /* what execute returned, for ORIGIN_REFUSED and ORIGIN_HOST */
    uint32_t outcome; /* SPINDLE_SUCCESS … SPINDLE_CANCELLED */
    spw_bytes output;
    spw_bytes content_type;
    spw_fault fault;
    spw_kvs metadata;
    int64_t retry_after_ms;
    uint64_t logs_dropped;  /* lines of this attempt */
    uint64_t text_replaced; /* texts of this attempt that were not UTF-8 */
} spw_completed;

typedef struct spw_released {
    uint64_t stale_calls; /* late or second calls for this attempt until now */
} spw_released;

enum {
    SPW_STREAM_LOG = 0,
    SPW_STREAM_STDOUT = 1,
    SPW_STREAM_STDERR = 2,
};

typedef struct spw_log {
    uint32_t level;
    uint32_t stream;
    int64_t unix_us; /* wall time of the call */
    spw_bytes message;
    spw_kvs keys;
    uint64_t dropped; /* lines of this handle that were dropped since the last one sent */
} spw_log;

typedef struct spw_progress {
    int64_t done;
    int64_t total;
    spw_bytes note;
} spw_progress;

typedef struct spw_blob {
    spw_bytes bytes;
} spw_blob;

typedef struct spw_artefact {
    spw_bytes name;
    spw_bytes bytes;
    uint32_t flags; /* SPINDLE_ARTEFACT_LAST */
} spw_artefact;

typedef struct spw_credit {
    uint64_t log_bytes;
    uint64_t artefact_bytes;
} spw_credit;

typedef struct spw_level {
    uint32_t level;
} spw_level;

typedef struct spw_ping {
    uint64_t nonce;
} spw_ping;

typedef struct spw_pong {
    uint64_t nonce;
    uint64_t open;             /* attempts */
    uint64_t stale_calls;      /* since the worker started, as all below */
    uint64_t contract_breaches;
    uint64_t logs_dropped;
    uint64_t text_replaced;
} spw_pong;

#include "SpindleSubmissions.h" /* spw_submit, spw_submitted */

enum { SPW_THREADS_MAX = 256, SPW_SUBMISSIONS_MAX = 1000 };

/* ---- Status of the functions here. -------------------------------------------------------------------------------- */

enum {
    SPW_OK = 0,
    SPW_MORE = 1,           /* no whole frame yet */
    SPW_CLOSED = 2,         /* the other side closed the stream */
    SPW_E_MALFORMED = -1,   /* the bytes are not this protocol: give up the connection */
    SPW_E_TOO_LARGE = -2,   /* the message does not fit a frame; nothing was added */
    SPW_E_MEMORY = -3,
    SPW_E_TYPE = -4,        /* no such message type */
    SPW_E_IO = -5,          /* errno says what */
};

/* A digest of the protocol, as text; the same in both processes if they can talk. Static. */
const char *spw_build_id(void);

/* ---- Output: a growable buffer of frames. One thread at a time. --------------------------------------------------- */

typedef struct spw_buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
} spw_buffer;

void spw_buffer_free(spw_buffer *buffer);
/* Drops the first `count` bytes, which were written. */
void spw_buffer_consume(spw_buffer *buffer, size_t count);
/* Overwrites what was taken out of it before. */
void spw_buffer_wipe(spw_buffer *buffer);

/* Appends a frame with `message`, the struct that belongs to `type`; NULL if it has none. On an error nothing is added. */
int spw_encode(spw_buffer *buffer, uint16_t type, uint16_t flags, uint64_t handle, const void *message);

/* ---- Input. One thread at a time. --------------------------------------------------------------------------------- */

typedef struct spw_frame {
    uint16_t type;
    uint16_t flags;
    uint64_t handle;
    spw_bytes body; /* borrowed from the input */
} spw_frame;

/* Looks for a whole frame at the start of `length` bytes. SPW_OK: *frame and *consumed are set. SPW_MORE. MALFORMED. */
int spw_next(const void *data, size_t length, spw_frame *frame, size_t *consumed);

/* Where lists of decoded messages live. Zero it first; keep it as long as the message; free or reset it. */
typedef struct spw_arena {
    void *blocks;
} spw_arena;

void spw_arena_free(spw_arena *arena);

/* Decodes the frame's body into `message`, the struct that belongs to its type (size must be its sizeof, else TYPE).
 * Its bytes point into the frame, its lists into the arena. OK, MALFORMED, TYPE, MEMORY. */
int spw_decode(const spw_frame *frame, void *message, size_t size, spw_arena *arena);

/* A stream's bytes not yet used. Zero it first. */
typedef struct spw_input {
    uint8_t *data;
    size_t start;
    size_t length; /* of what is in it, from start */
    size_t capacity;
} spw_input;

void spw_input_free(spw_input *input);
/* One read() of what is there. OK: something came, *drained says whether that was all for now; MORE: nothing there
 * (non-blocking descriptor); CLOSED; E_IO; E_MEMORY. Frames got before become invalid. */
int spw_input_fill(spw_input *input, int fd, int *drained);
/* The next whole frame of what was read; its body is valid until the next fill. OK, MORE or MALFORMED. */
int spw_input_next(spw_input *input, spw_frame *frame);

/* Writes as much of the buffer as fits (MSG_NOSIGNAL, and MSG_DONTWAIT if asked) and consumes it. OK: all; MORE: the
 * socket is full; CLOSED; E_IO. */
int spw_write(int fd, spw_buffer *buffer, int dont_wait);

/* ---- The shared page. ---------------------------------------------------------------------------------------------- */

enum {
    SPW_PAGE_MAGIC = 0x53504731,
    SPW_PAGE_THREADS = 256,
    SPW_PAGE_FRAMES = 64,
};

/* The attempt that a thread works for; 0 = none. Written by that thread only, with plain 8-byte stores. */
typedef struct spw_page_thread {
    uint64_t token; /* of the attempt or instance, as in START and CREATE */
    uint32_t tid;   /* 0 = the entry is free */
    uint32_t reserved[13];
} spw_page_thread;

/* Written by the crash handler of the runner; `signal` last, so 0 = it did not run. */
typedef struct spw_page_crash {
    uint32_t signal;
    int32_t code; /* si_code */
    uint32_t tid;
    uint32_t frame_count;
    uint64_t token;
    uint64_t fault_address;
    uint64_t instruction;
    uint64_t load_base; /* of the plugin; 0 = not loaded */
    uint64_t frames[SPW_PAGE_FRAMES];
} spw_page_crash;

typedef struct spw_page {
    uint32_t magic;
    uint32_t overflow; /* threads that found no free entry: then the page does not say all */
    spw_page_crash crash;
    spw_page_thread threads[SPW_PAGE_THREADS];
} spw_page;

/* Makes a memfd (close-on-exec) of the right size, maps it and returns it; *fd is the descriptor. NULL: errno. */
spw_page *spw_page_create(int *fd);
/* Maps the page of an inherited descriptor. NULL: errno, EINVAL if it is too small. */
spw_page *spw_page_map(int fd);
void spw_page_unmap(spw_page *page);
/* Copies the tokens that threads were working for, each once, at most `capacity`; returns how many there are. */
size_t spw_page_suspects(const spw_page *page, uint64_t *tokens, size_t capacity);

#ifdef __cplusplus
}
#endif
