#include "fake_trigger.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_host.h"

struct waiting {
    spindle_handle handle;
    uint64_t token;
    int32_t status;
    uint32_t existed;
    struct waiting *next;
};

static const spindle_trigger_descriptor *trigger;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static struct waiting *queue, **queue_end = &queue, *held, **held_end = &held;
static int held_count, stopping, existed_count;
static struct taken *jobs;
static int job_count, job_capacity;
static char once[8][300]; /* keys that had their busy or again */
static int once_count;

int fake_trigger_answer_slowly;

static void put(char *to, size_t size, spindle_str from) {
    snprintf(to, size, "%.*s", (int)from.len, from.len > 0 ? from.ptr : "");
}

static int first_time(const char *key) {
    int i;
    for (i = 0; i < once_count; i++) {
        if (strcmp(once[i], key) == 0) return 0;
    }
    snprintf(once[once_count++ % 8], sizeof once[0], "%s", key);
    return 1;
}

static spindle_status submit(spindle_host_ctx *ctx, spindle_handle h, uint64_t token, const spindle_submission *s) {
    struct waiting *waiting;
    struct taken job;
    const char *answer;
    size_t i, at = 0;
    int j, known = -1;
    (void)ctx;
    memset(&job, 0, sizeof job);
    put(job.type, sizeof job.type, s->type);
    put(job.target, sizeof job.target, s->target);
    put(job.job_name, sizeof job.job_name, s->job_name);
    put(job.key, sizeof job.key, s->idempotency_key);
    put(job.payload, sizeof job.payload, s->payload);
    put(job.content_type, sizeof job.content_type, s->content_type);
    put(job.traceparent, sizeof job.traceparent, s->traceparent);
    job.payload_length = s->payload.len;
    job.priority = s->priority;
    for (i = 0; i < s->parameter_count && at < sizeof job.parameters; i++) {
        at += (size_t)snprintf(job.parameters + at, sizeof job.parameters - at, "%.*s=%.*s;", (int)s->parameters[i].key.len,
                               s->parameters[i].key.ptr, (int)s->parameters[i].value.len, s->parameters[i].value.ptr);
    }
    answer = strncmp(job.parameters, "answer=", 7) == 0 ? job.parameters + 7 : job.payload;
    pthread_mutex_lock(&lock);
    if (strncmp(answer, "again", 5) == 0 && first_time(job.key)) {
        pthread_mutex_unlock(&lock);
        return SPINDLE_AGAIN;
    }
    waiting = calloc(1, sizeof *waiting);
    waiting->handle = h;
    waiting->token = token;
    if (strncmp(answer, "refuse", 6) == 0) waiting->status = SPINDLE_E_INVALID;
    else if (strncmp(answer, "busy", 4) == 0 && first_time(job.key)) waiting->status = SPINDLE_E_BUSY;
    for (j = 0; j < job_count && job.key[0] != '\0'; j++) {
        if (strcmp(jobs[j].key, job.key) == 0) known = j;
    }
    if (waiting->status == SPINDLE_OK && known >= 0) {
        waiting->existed = 1;
        existed_count++;
    } else if (waiting->status == SPINDLE_OK) {
        if (job_count == job_capacity) {
            job_capacity = job_capacity == 0 ? 64 : job_capacity * 2;
            jobs = realloc(jobs, (size_t)job_capacity * sizeof *jobs);
        }
        jobs[job_count++] = job;
    }
    if (strncmp(answer, "hold", 4) == 0) {
        *held_end = waiting;
        held_end = &waiting->next;
        held_count++;
    } else {
        *queue_end = waiting;
        queue_end = &waiting->next;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return SPINDLE_OK;
}

static void answer_one(const struct waiting *waiting) {
    spindle_submitted answer;
    void *state = run_hold(waiting->handle);
    if (state == NULL) return; /* it has completed */
    memset(&answer, 0, sizeof answer);
    answer.struct_size = sizeof answer;
    answer.status = waiting->status;
    answer.token = waiting->token;
    answer.existed = waiting->existed;
    answer.error.struct_size = sizeof answer.error;
    answer.error.code = SPINDLE_STR("test.refused");
    answer.error.message = SPINDLE_STR("the test said so");
    trigger->submitted(NULL, waiting->handle, state, &answer);
    run_unhold(waiting->handle);
}

static void *answer_all(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!stopping || queue != NULL) {
        struct waiting *next = queue;
        if (next == NULL) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        queue = next->next;
        if (queue == NULL) queue_end = &queue;
        pthread_mutex_unlock(&lock);
        if (fake_trigger_answer_slowly > 0) usleep((useconds_t)fake_trigger_answer_slowly);
        answer_one(next);
        free(next);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static const spindle_trigger_host table = {.struct_size = sizeof table, .submit = submit};

void fake_trigger_start(const spindle_trigger_descriptor *descriptor) {
    trigger = descriptor;
    fake_extension = &table;
    stopping = 0;
    pthread_create(&thread, NULL, answer_all, NULL);
}

void fake_trigger_stop(void) {
    pthread_mutex_lock(&lock);
    stopping = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    free(jobs);
    jobs = NULL;
    job_count = job_capacity = 0;
}

void fake_trigger_reset(void) {
    pthread_mutex_lock(&lock);
    job_count = existed_count = held_count = once_count = 0;
    pthread_mutex_unlock(&lock);
}

void fake_trigger_wait(int count) {
    pthread_mutex_lock(&lock);
    while (job_count < count) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void fake_trigger_wait_held(int count) {
    pthread_mutex_lock(&lock);
    while (held_count < count) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void fake_trigger_let_go(void) {
    pthread_mutex_lock(&lock);
    if (held != NULL) {
        *queue_end = held;
        queue_end = held_end;
        held = NULL;
        held_end = &held;
    }
    held_count = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

int fake_trigger_count(void) {
    int count;
    pthread_mutex_lock(&lock);
    count = job_count;
    pthread_mutex_unlock(&lock);
    return count;
}

int fake_trigger_existed(void) {
    int count;
    pthread_mutex_lock(&lock);
    count = existed_count;
    pthread_mutex_unlock(&lock);
    return count;
}

const struct taken *fake_trigger_job(int index) {
    return &jobs[index];
}
