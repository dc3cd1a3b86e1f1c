/*
 * Spindle executor ABI, version 1. This header is the specification.
 *
 * A plugin is a shared library with one exported function, spindle_executor_factory_v1(). It returns static data that
 * says which kinds of executor the library has; each kind has a table of functions that the host calls. The host gives
 * the plugin a table of functions in return. The same library runs inside the host or in a worker process: the
 * operator chooses, the plugin cannot tell and need not care.
 *
 * The rules that hold everywhere:
 *
 *  1. Memory never changes owner. What one side passes is borrowed; the other side copies what it wants to keep.
 *     Arguments of a host call are copied before it returns. No free function exists in this ABI.
 *  2. Every struct starts with `struct_size`, set by whoever fills it to sizeof in ITS header. Fields are only ever
 *     appended. A field at or past struct_size is absent; read it only after SPINDLE_HAS. An absent or NULL function
 *     slot means "not offered". spindle_str and spindle_kv are frozen for ever; other arrays are arrays of pointers.
 *  3. Every reserved field is 0. Unknown flag bits are ignored. An unknown status below 0 counts as E_INTERNAL.
 *  4. Text is UTF-8 in (pointer, length); it need not end with NUL and may be empty, then the pointer may be NULL.
 *     Invalid UTF-8 in text from a plugin is replaced by U+FFFD and counted; `bytes` are passed as they are. Only the
 *     static strings of a factory and a descriptor are `const char *` that end with NUL.
 *  5. Times are int64_t with the unit in the name; -1 means unset.
 *  6. Nothing may unwind through a function of this ABI: no C++ exception, no panic, no longjmp.
 *  7. A plugin must not fork without exec, call exit, change the working directory, umask, locale or environment, or
 *     install handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGCHLD or SIGTERM. The host never unloads it.
 *  8. The plugin classifies a failure; the host decides. Deadlines, retries and concurrency are the host's.
 *
 * The life of an attempt:
 *
 *     execute ──> any number of cancel ──> complete ──> release
 *
 *  complete may come before execute returns, from any thread, also inside cancel. release comes exactly once and last:
 *  after execute returned, complete was called and no cancel is running. State is freed there and nowhere else.
 *
 * A whole plugin:
 *
 *     #include <spindle/executor.h>
 *     #include <stdio.h>
 *
 *     static spindle_status greet(void *instance, spindle_handle attempt, const spindle_request *request) {
 *         char text[128];
 *         spindle_str name = spindle_param_or(request, "name", "world");
 *         (void)instance, (void)attempt;
 *         if (name.len == 0 || name.len > 100) return spindle_fail(request, SPINDLE_PERMANENT, "greet.name", "name: 1 to 100 bytes");
 *         int length = snprintf(text, sizeof text, "Hello, %.*s!\n", (int)name.len, name.ptr);
 *         return spindle_succeed(request, spindle_str_make(text, (size_t)length), "text/plain");
 *     }
 *
 *     static const spindle_executor_descriptor greeter = {
 *         .struct_size = sizeof greeter, .type = "greet", .name = "Greeter", .execute = greet };
 *     static const spindle_executor_descriptor *const executors[] = { &greeter };
 *     static const spindle_executor_factory factory = {
 *         .struct_size = sizeof factory, .abi_minor = SPINDLE_ABI_MINOR, .executor_count = 1, .executors = executors,
 *         .plugin_id = "com.example.greet", .plugin_version = "1.0.0" };
 *     SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
 */
#ifndef SPINDLE_EXECUTOR_H
#define SPINDLE_EXECUTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPINDLE_ABI_MAJOR 1 /* also in the name of the exported function: a break is a new function */
#define SPINDLE_ABI_MINOR 0 /* grows with each appended field */

/* Marks the exported function; everything else should be hidden (-fvisibility=hidden). */
#if defined(__GNUC__)
#define SPINDLE_EXPORT __attribute__((visibility("default")))
#else
#define SPINDLE_EXPORT
#endif

/* ---- Status: what a function returns. 0 and above is not an error. ------------------------------------------------ */

typedef int32_t spindle_status;

#define SPINDLE_OK 0              /* done; from execute: complete was called */
#define SPINDLE_PENDING 1         /* from execute of an ASYNC executor only: complete comes later */
#define SPINDLE_AGAIN 2           /* nothing was taken; try again later (artefact_write: after `writable`) */
#define SPINDLE_E_UNSUPPORTED -1  /* this side does not offer that */
#define SPINDLE_E_INVALID -2      /* an argument, a parameter or a payload is wrong and always will be */
#define SPINDLE_E_STALE -3        /* the handle is over, or complete was called before: nothing was done */
#define SPINDLE_E_CONFIG -4       /* the configuration is wrong: an operator must change it */
#define SPINDLE_E_LIMIT -5        /* a size or count of this header is exceeded: nothing was taken */
#define SPINDLE_E_INTERNAL -6     /* a fault of the side that returns it */
#define SPINDLE_E_BUSY -7         /* no room just now */
#define SPINDLE_E_NOT_FOUND -8    /* no such name */
#define SPINDLE_E_DENIED -9       /* the operator did not grant that */

/* ---- Outcome of an attempt. A value that is not listed here is a breach of contract, treated as PERMANENT. --------- */

#define SPINDLE_SUCCESS 0
#define SPINDLE_RETRYABLE 1 /* the same job may work later; the host decides if and when */
#define SPINDLE_PERMANENT 2 /* the same job will never work; it is not retried */
#define SPINDLE_CANCELLED 3 /* the attempt ended because cancel asked for it */

/* ---- Why an attempt shall end. ------------------------------------------------------------------------------------ */

#define SPINDLE_CANCEL_NONE 0
#define SPINDLE_CANCEL_USER 1     /* somebody asked */
#define SPINDLE_CANCEL_TIMEOUT 2  /* its deadline passed */
#define SPINDLE_CANCEL_SHUTDOWN 3 /* the host stops; the attempt will run again elsewhere */
#define SPINDLE_CANCEL_LOST 4     /* the host lost its right to this attempt; its result will be refused */

/* ---- Log levels, those of swift-log. ------------------------------------------------------------------------------ */

#define SPINDLE_LOG_TRACE 0
#define SPINDLE_LOG_DEBUG 1
#define SPINDLE_LOG_INFO 2
#define SPINDLE_LOG_NOTICE 3
#define SPINDLE_LOG_WARNING 4
#define SPINDLE_LOG_ERROR 5
#define SPINDLE_LOG_CRITICAL 6

/* ---- Flags of an executor. ---------------------------------------------------------------------------------------- */

#define SPINDLE_EXECUTOR_BLOCKING 0x01u        /* execute returns when the work is done; meant when ASYNC is not set */
#define SPINDLE_EXECUTOR_ASYNC 0x02u           /* execute may return PENDING; not together with BLOCKING */
#define SPINDLE_EXECUTOR_CONCURRENT 0x04u      /* several attempts of one instance may be open at once, on many threads */
#define SPINDLE_EXECUTOR_IDEMPOTENT 0x08u      /* the same attempt twice does no harm */
#define SPINDLE_EXECUTOR_CANCELLABLE 0x10u     /* reacts to cancel or cancel_state soon */
#define SPINDLE_EXECUTOR_NEEDS_ISOLATION 0x20u /* must not run inside the host's process */

/* ---- Flags of artefact_write. ------------------------------------------------------------------------------------- */

#define SPINDLE_ARTEFACT_LAST 0x01u /* this chunk ends the artefact */

/* ---- Sizes in bytes. More is refused with E_LIMIT, or cut where the text says so. ---------------------------------- */

#define SPINDLE_MAX_PARAMETERS 1024           /* entries */
#define SPINDLE_MAX_PARAMETER_BYTES 262144    /* all keys and values together */
#define SPINDLE_MAX_PAYLOAD_BYTES 1048576
#define SPINDLE_MAX_OUTPUT_BYTES 1048576      /* inline; write an artefact for more */
#define SPINDLE_MAX_CHECKPOINT_BYTES 262144
#define SPINDLE_MAX_METADATA_BYTES 65536      /* all keys and values of an attempt together */
#define SPINDLE_MAX_DETAILS_BYTES 65536
#define SPINDLE_MAX_MESSAGE_BYTES 16384       /* cut */
#define SPINDLE_MAX_STACK_TRACE_BYTES 65536   /* cut */
#define SPINDLE_MAX_PROGRESS_NOTE_BYTES 1024  /* cut */
#define SPINDLE_MAX_LOG_LINE_BYTES 16384      /* cut; keys and values count too, those that do not fit are left out */
#define SPINDLE_MAX_CODE_BYTES 64
#define SPINDLE_MAX_NAME_BYTES 256            /* of an artefact, a metadata key, a content type */
#define SPINDLE_MAX_ARTEFACT_CHUNK_BYTES 262144

/* ---- Frozen values. ----------------------------------------------------------------------------------------------- */

/* Text or bytes, BORROWED. `ptr` may be NULL only when `len` is 0. */
typedef struct spindle_str {
    const char *ptr;
    size_t len;
} spindle_str;

typedef struct spindle_kv {
    spindle_str key;
    spindle_str value;
} spindle_kv;

/* Names an attempt or an instance; 0 names the plugin. Never a pointer: generation-checked, so a late use is refused
 * with E_STALE and can never hit a later attempt. An attempt's handle is good from execute until release returns; an
 * instance's from create until destroy returns. */
typedef uint64_t spindle_handle;

/* The host's own; passed back as the first argument of every host call. Valid until shutdown returns. */
typedef struct spindle_host_ctx spindle_host_ctx;

typedef struct spindle_host spindle_host;
typedef struct spindle_executor_descriptor spindle_executor_descriptor;

/* ---- What goes to the plugin. ------------------------------------------------------------------------------------- */

/* One attempt. Filled by the host; it and all it points to stay valid and unchanged until release returns. */
typedef struct spindle_request {
    uint32_t struct_size;
    uint32_t reserved;
    spindle_handle handle;       /* the attempt's; the same as execute's second argument */
    const spindle_host *host;    /* so that a small plugin needs no init */
    spindle_host_ctx *ctx;
    spindle_str execution_id;    /* 36 characters, a UUID */
    spindle_str attempt_id;      /* 36 characters, a UUID */
    spindle_str job_name;        /* may be empty */
    spindle_str type;            /* the type that the job was routed to: the instance's name */
    spindle_str target;          /* may be empty */
    const spindle_kv *parameters; /* in the order given, keys unique; NULL when parameter_count is 0 */
    size_t parameter_count;
    spindle_str payload;         /* bytes */
    spindle_str content_type;    /* of the payload; may be empty */
    spindle_str idempotency_key; /* the same for every attempt of an execution; may be empty */
    spindle_str traceparent;     /* W3C Trace Context; may be empty */
    spindle_str tracestate;      /* may be empty */
    spindle_str checkpoint;      /* bytes: the last checkpoint of an earlier attempt; may be empty */
    int64_t attempt;             /* from 1, grows with each attempt also after interruptions: the fencing token */
    int64_t failures;            /* of earlier attempts; less than attempt - 1 when some were interrupted */
    int64_t max_failures;        /* the execution ends as failed with this many; -1 = no bound */
    int64_t timeout_ms;          /* time left when execute was called; -1 = none */
    int64_t deadline_mono_ns;    /* CLOCK_MONOTONIC of this machine; -1 = none. The host enforces it */
    int64_t started_unix_ms;     /* wall time, only to show */
} spindle_request;

/* A file that the operator named for an instance; its bytes were checked with the plugin's. The host's fd, open for
 * reading, valid until destroy returns: do not close it; read with pread or through /proc/self/fd. */
typedef struct spindle_file {
    uint32_t struct_size;
    int32_t fd;
    spindle_str name;
} spindle_file;

/* What an instance is made from. Filled by the host; valid until create (or describe) returns. */
typedef struct spindle_instance_config {
    uint32_t struct_size;
    uint32_t reserved;
    spindle_handle handle;    /* the instance's; 0 for describe */
    const spindle_host *host;
    spindle_host_ctx *ctx;
    spindle_str type;         /* the operator's name for the instance; the descriptor's type if there is no other */
    spindle_str config;       /* JSON object, already checked against the descriptor's schema; "{}" if there is none */
    const spindle_file *const *files;
    size_t file_count;
} spindle_instance_config;

/* ---- What comes from the plugin. ---------------------------------------------------------------------------------- */

/* The one form of every error. Borrowed: copied before the host call that takes it returns. */
typedef struct spindle_error {
    uint32_t struct_size;
    int32_t outcome;         /* SPINDLE_RETRYABLE: may work later. SPINDLE_PERMANENT: will not. Inside a result: ignored */
    spindle_str code;        /* [a-z0-9._-]{1,64}, stable, the plugin's own; "spindle." is the host's. "" = "error" */
    spindle_str message;     /* for people; what went wrong and what to do */
    spindle_str details;     /* a JSON value, or empty */
    spindle_str pointer;     /* RFC 6901 pointer to the bad value in the configuration or parameters, or empty */
    spindle_str stack_trace; /* or empty */
} spindle_error;

/* The end of an attempt. Borrowed: copied before complete returns. */
typedef struct spindle_result {
    uint32_t struct_size;
    int32_t outcome;            /* SPINDLE_SUCCESS … SPINDLE_CANCELLED */
    spindle_str output;         /* bytes; also kept for failures */
    spindle_str content_type;   /* of the output; empty = application/octet-stream */
    const spindle_error *error; /* NULL for a success; may be NULL otherwise too */
    const spindle_kv *metadata; /* as if given to `metadata` one by one; NULL when metadata_count is 0 */
    size_t metadata_count;
    int64_t retry_after_ms;     /* for RETRYABLE: replaces the next wait; -1 or 0 = the host's own delay */
} spindle_result;

/* ---- The host's functions. -----------------------------------------------------------------------------------------
 * May be called from any thread from init (or the first call with a `host` in it) until shutdown returns. None blocks,
 * none calls into the plugin on the caller's stack, none unwinds; all copy their arguments. `h` is an attempt, an
 * instance, or 0 for the plugin; a function that says "attempt" returns E_INVALID for others. A handle that is over
 * gives E_STALE and changes nothing. Check optional slots with SPINDLE_OFFERS; `complete` is always there. */
struct spindle_host {
    uint32_t struct_size;
    uint32_t abi_minor;          /* the host's */
    spindle_str host_name;       /* "spindle" */
    spindle_str host_version;

    /* Attempt. Ends it with `result`; exactly once. Always queues, however full everything else is.
     * OK: this is the outcome (if the host has not settled the attempt meanwhile: then it is only counted).
     * E_STALE: a second call or a dead handle; counted as a breach of contract, nothing changes.
     * E_INVALID: result is NULL or too short; the attempt ends as PERMANENT with "spindle.contract".
     * Output or metadata over their size end the attempt as PERMANENT with "spindle.too_large": also E_LIMIT. */
    spindle_status (*complete)(spindle_host_ctx *ctx, spindle_handle h, const spindle_result *result);

    /* Attempt. Attaches the plugin's state, given to cancel, writable and release. May be called again; the last
     * value counts. Look at cancel_state AFTER it: a cancel that came before got NULL. OK, E_STALE, E_INVALID. */
    spindle_status (*set_state)(spindle_host_ctx *ctx, spindle_handle h, void *state);

    /* Tells for which attempt or instance the calling thread works from now on (0 = none) and returns the one before.
     * The host does this around every function of the plugin; a plugin does it around work on threads of its own, so
     * that a crash there is blamed on the right attempt. Cheap: one store. */
    spindle_handle (*enter)(spindle_host_ctx *ctx, spindle_handle h);

    /* Attempt. SPINDLE_CANCEL_NONE or the reason why it shall end; E_STALE (< 0) when it is over. Cheap to poll. */
    int32_t (*cancel_state)(spindle_host_ctx *ctx, spindle_handle h);

    /* Attempt. Says that it is alive: restarts the operator's heartbeat timer, if there is one. */
    spindle_status (*heartbeat)(spindle_host_ctx *ctx, spindle_handle h);

    /* Attempt. `done` of `total`; total -1 = unknown. Also a heartbeat. Only the newest is sure to be kept. */
    spindle_status (*progress)(spindle_host_ctx *ctx, spindle_handle h, int64_t done, int64_t total, spindle_str note);

    /* 1 if a line of that level would be kept, 0 if not: lets a plugin skip the work of making it. */
    int32_t (*log_enabled)(spindle_host_ctx *ctx, spindle_handle h, int32_t level);

    /* One line with keys and values (kv may be NULL when count is 0). OK: taken. AGAIN: dropped and counted, because
     * the host is not keeping up; do not wait for it. Of an attempt's dropped lines the last 64 KiB are kept after all.
     * E_STALE as everywhere. */
    spindle_status (*log)(spindle_host_ctx *ctx, spindle_handle h, int32_t level, spindle_str message,
                          const spindle_kv *kv, size_t count);

    /* Attempt. Bytes given to the next attempt of this execution as request->checkpoint; the newest counts. E_LIMIT. */
    spindle_status (*checkpoint)(spindle_host_ctx *ctx, spindle_handle h, spindle_str bytes);

    /* Attempt. A key and a value to keep with the attempt; the same key again replaces it. E_LIMIT. */
    spindle_status (*metadata)(spindle_host_ctx *ctx, spindle_handle h, spindle_str key, spindle_str value);

    /* Attempt. Appends a chunk to the named artefact; flags: SPINDLE_ARTEFACT_LAST. A name is 1 to 256 bytes without
     * '/' and NUL. OK: taken. AGAIN: nothing taken, no room; `writable` is called when there is. E_LIMIT: chunk over
     * SPINDLE_MAX_ARTEFACT_CHUNK_BYTES. An artefact without a LAST chunk when the attempt ends is dropped. */
    spindle_status (*artefact_write)(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str bytes,
                                     uint32_t flags);

    /* Puts the secret's value into *value; it stays valid until release (attempt) or destroy (instance) returns. An
     * attempt sees its own and its instance's secrets. Never log it. E_NOT_FOUND: no such name is granted. */
    spindle_status (*secret_get)(spindle_host_ctx *ctx, spindle_handle h, spindle_str name, spindle_str *value);

    /* Says why init, create, check or execute is about to return an error; the last call before the return counts.
     * 0 in init, the instance's handle in create and check, the attempt's in execute. */
    spindle_status (*set_error)(spindle_host_ctx *ctx, spindle_handle h, const spindle_error *error);

    /* A table of more host functions by id ("spindle.NAME/1" or reverse DNS), or NULL. Valid until shutdown returns. */
    const void *(*get_extension)(spindle_host_ctx *ctx, const char *id);
};

/* Where `describe` puts what it found. The host's; valid until describe returns. */
typedef struct spindle_describe_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void *sink;
    /* Replaces target prefixes, schemas, needs, hints and texts of the instance by those of `descriptor` that are not
     * NULL or 0; its type, flags and functions are ignored. Copied before it returns. The last call counts. */
    spindle_status (*put)(void *sink, const spindle_executor_descriptor *descriptor);
} spindle_describe_sink;

/* ---- The plugin's side: one kind of executor. Static data, unchanged for the life of the process. ------------------
 * Strings end with NUL and may be NULL unless "required" is said. Only `type` and `execute` are required. */
struct spindle_executor_descriptor {
    uint32_t struct_size;
    uint32_t flags;                     /* SPINDLE_EXECUTOR_*; 0 = blocking, one attempt at a time */
    const char *type;                   /* required: [A-Za-z_][A-Za-z0-9_.-]{0,127}, what jobs are routed by */
    const char *const *target_prefixes; /* such as "https://", for jobs that name only a target */
    size_t target_prefix_count;
    const char *name;
    const char *version;                /* NULL = the plugin's */
    const char *vendor;
    const char *license;                /* SPDX */
    const char *description;
    const char *docs_url;
    const char *config_schema;          /* JSON Schema 2020-12 of the configuration */
    const char *parameters_schema;      /* of the parameters as an object; says how the text of each one is read */
    const char *output_schema;          /* of the output, if it is JSON */
    const char *const *needs;           /* "net:HOST[:PORT]", "fs:read:PATH", "fs:write:PATH", "exec", "jit", "secret:NAME" */
    size_t need_count;
    int64_t concurrency_hint;           /* sensible number of open attempts; 0 or -1 = no wish */
    int64_t timeout_ms_hint;            /* sensible timeout; 0 or -1 = no wish */

    /* Optional; only in a throw-away process that lists plugins. Replaces parts of this descriptor for the instance
     * that `config` describes (say, one executor for each function of a module). Thread: one, nothing else is running.
     * OK: what was put counts. Otherwise the instance is listed with the error. */
    spindle_status (*describe)(const spindle_instance_config *config, const spindle_describe_sink *sink);

    /* Optional; without it the instance is NULL. Makes an instance and stores it in *instance (plugin-owned, given back
     * to every function below, freed in destroy). Never beside another create of the same process. May block.
     * OK: the instance serves. Below 0: it does not; E_CONFIG and E_INVALID until an operator changes something, others
     * are tried again with a growing delay. Call host->set_error to say why. *instance is then ignored. */
    spindle_status (*create)(const spindle_instance_config *config, void **instance);

    /* Optional: is what the instance needs there (a database, a file)? May block; beside open attempts only if
     * CONCURRENT. Called now and then, and not answering within seconds counts as not ready. OK, or below 0 after host->set_error(instance handle): shown as not ready, jobs still come. */
    spindle_status (*check)(void *instance, spindle_handle handle);

    /* Optional. Would this descriptor take this job? Pure: no instance, no host calls, no I/O, answers within 250 ms;
     * any thread. In `request` only type, target, parameters, payload and content type are set. Asked only when type
     * and prefix leave a choice. 1: yes. 0 or below: no. */
    int32_t (*can_execute)(const spindle_request *request);

    /* Required. Runs an attempt; called on a thread of the host's that may be blocked as long as the work takes. Not
     * CONCURRENT: never while another attempt of the instance is open. Return:
     *   OK         complete was called. If it was not: ends as PERMANENT with "spindle.contract".
     *   PENDING    ASYNC only: complete comes later, from any thread. Never completing ends in a timeout.
     *   E_INVALID, E_CONFIG, E_UNSUPPORTED, E_DENIED   refused: PERMANENT; nothing was started.
     *   E_BUSY, E_LIMIT, E_INTERNAL, any other         refused: RETRYABLE; nothing was started.
     * After a refusal the error of host->set_error is used if there was one, and release still comes. If complete was
     * called before a refusal, its result stands and the refusal is counted as a breach of contract. */
    spindle_status (*execute)(void *instance, spindle_handle attempt, const spindle_request *request);

    /* Optional. Asks the attempt to end within grace_ms (then the host ends it by force where it can). Called only after
     * execute was entered, on a thread of its own, at most once for each reason; may run beside execute and complete.
     * `state` is that of set_state, NULL if none was set yet. Must not block. It may call complete. The attempt still
     * has to complete: as CANCELLED if it stopped, as what it is if it was done already. */
    void (*cancel)(void *instance, spindle_handle attempt, void *state, int32_t reason, int64_t grace_ms);

    /* Optional. The attempt is over; free `state` here. Exactly once for each call of execute, and last: execute has
     * returned, complete was called (or execute refused), no cancel or writable is running. On any thread of the
     * host's. After its return the request is gone and the handle is stale. Must not block. */
    void (*release)(void *instance, spindle_handle attempt, void *state);

    /* Optional. Frees the instance. No attempt is open, nothing else is called with it afterwards. May block briefly. */
    void (*destroy)(void *instance);

    /* Optional. artefact_write said AGAIN and has room now. On a host's thread, only while the attempt is not complete;
     * must not block. */
    void (*writable)(void *instance, spindle_handle attempt, void *state);
};

/* What the library is. Static data: no allocation, no side effects, no host call; also read by a mere listing. */
typedef struct spindle_executor_factory {
    uint32_t struct_size;
    uint32_t abi_minor;      /* SPINDLE_ABI_MINOR of the header that the plugin was built with */
    uint32_t min_host_minor; /* the plugin cannot work with a host below this; usually 0 */
    uint32_t executor_count; /* at least 1, at most 1,024 */
    const spindle_executor_descriptor *const *executors; /* required; none NULL, types unique */
    const char *plugin_id;      /* required: reverse DNS, such as "com.example.greet" */
    const char *plugin_version; /* required: semantic version */
    const char *sdk;            /* such as "spindle-swift 1.0"; may be NULL */

    /* Optional. Once a process, before any create, on one thread; `host` and `ctx` stay valid until shutdown returns.
     * OK, or below 0 (after host->set_error(ctx, 0, …)): the plugin is not used in this process. */
    spindle_status (*init)(const spindle_host *host, spindle_host_ctx *ctx);

    /* Optional. Once, last, after every destroy: join the plugin's own threads. The library is never unloaded. A
     * process that is killed or that stops in a hurry does not call it. */
    void (*shutdown)(void);

    /* Optional. A table of more plugin functions by id, or NULL; static data. */
    const void *(*get_extension)(const char *id);
} spindle_executor_factory;

/* The one exported function. Never NULL, always the same pointer. Any thread. */
SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void);

/* ---- Reading structs of another age. -------------------------------------------------------------------------------- */

/* Is the field there, by the struct_size of whoever filled the struct? */
#define SPINDLE_HAS(struct_ptr, field)                                                                                  \
    ((size_t)((const char *)(&(struct_ptr)->field + 1) - (const char *)(struct_ptr)) <= (size_t)(struct_ptr)->struct_size)
/* Is the function there and not NULL? */
#define SPINDLE_OFFERS(struct_ptr, function) (SPINDLE_HAS(struct_ptr, function) && (struct_ptr)->function != NULL)

#ifdef __cplusplus
}
#endif

#include "helpers.h" /* shorthands for plugins in C and C++ */

#endif /* SPINDLE_EXECUTOR_H */
