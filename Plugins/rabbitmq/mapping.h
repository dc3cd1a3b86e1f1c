/* How a message becomes a submission: what the operator of a trigger has fixed, and what a message may choose. */
#ifndef SPINDLE_RABBITMQ_MAPPING_H
#define SPINDLE_RABBITMQ_MAPPING_H

#include <jansson.h>
#include <spindle/trigger.h>

#include "config.h"
#include "incoming.h"

#define MAPPING_MOST_PARAMETERS 512

enum body_use { BODY_PAYLOAD, BODY_PARAMETERS, BODY_NONE };

/* Texts and lists belong to the trigger's configuration. */
struct mapping {
    const char *type, *target, *job_name; /* NULL = not fixed */
    const char *type_header, *target_header;
    const json_t *types, *targets; /* what the headers may name; an entry may end in * */
    const json_t *parameters;      /* fixed */
    const json_t *parameter_headers; /* of the header NAME -> the parameter's name */
    enum body_use body;
    const json_t *body_parameters; /* names that the body may set; an entry may end in * */
};

struct mapped {
    spindle_submission submission;
    spindle_kv parameters[MAPPING_MOST_PARAMETERS];
    json_t *body; /* that values point into */
    char *texts[MAPPING_MOST_PARAMETERS]; /* of values that are not texts in the body */
    size_t text_count;
    char key[254]; /* of a message id that is not UTF-8 */
    const char *refusal; /* why the message can never become a submission */
};

bool mapping_read(struct mapping *mapping, const json_t *root, struct config_fault *fault);
/* False: see `refusal`. What it points to stays as long as the message and `mapped`. */
bool mapping_apply(const struct mapping *mapping, const struct incoming *message, struct mapped *mapped);
void mapping_free(struct mapped *mapped);

#endif
