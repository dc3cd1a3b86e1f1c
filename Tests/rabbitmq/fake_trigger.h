/* The host's side of spindle.trigger/1: takes submissions and answers them on a thread of its own, by what their payload
 * (or the parameter "answer") says: "busy" once E_BUSY, "again" once AGAIN from submit, "refuse" E_INVALID, "hold…" nothing
 * until fake_trigger_let_go, all others OK. A key that it knows is not taken twice. */
#ifndef FAKE_TRIGGER_H
#define FAKE_TRIGGER_H

#include <spindle/trigger.h>

struct taken {
    char type[64], target[128], job_name[64], key[300], payload[256], content_type[64], parameters[512], traceparent[64];
    int priority;
    size_t payload_length;
};

void fake_trigger_start(const spindle_trigger_descriptor *descriptor);
void fake_trigger_stop(void);
void fake_trigger_reset(void); /* forgets all that was taken */
/* Until so many jobs are stored. */
void fake_trigger_wait(int count);
int fake_trigger_count(void);
/* Until so many were held back; then, with `let_go`, they are answered with OK. */
void fake_trigger_wait_held(int count);
void fake_trigger_let_go(void);
int fake_trigger_existed(void); /* submissions whose key was known */
const struct taken *fake_trigger_job(int index);
extern int fake_trigger_answer_slowly; /* microseconds before each answer */

#endif
