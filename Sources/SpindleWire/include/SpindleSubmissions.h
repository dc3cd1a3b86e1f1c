/* What a trigger's runner and its host say to each other. A part of SpindleWire.h, which includes it. */
#pragma once

/* A job that a trigger hands over. */
typedef struct spw_submit {
    uint64_t number; /* 1…SPW_SUBMISSIONS_MAX; not used again before it was answered */
    spw_bytes type;
    spw_bytes target;
    spw_bytes job_name;
    spw_kvs parameters;
    spw_bytes payload;
    spw_bytes content_type;
    spw_bytes idempotency_key;
    spw_bytes traceparent;
    spw_bytes tracestate;
    int64_t priority;
    int64_t delay_ms;         /* 0 = at once */
    int64_t start_by_unix_ms; /* -1 = no bound */
} spw_submit;

typedef struct spw_submitted {
    uint64_t number;
    int64_t status; /* spindle_status */
    uint32_t existed;
    spw_bytes execution_id;
    spw_bytes code;
    spw_bytes message;
} spw_submitted;
