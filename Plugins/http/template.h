/* {NAME} in a text stands for the value of Template_NAME, where the job asks for it. A value can never change what stands around
 * it: each place has its own way to write one down. */
#ifndef SPINDLE_HTTP_TEMPLATE_H
#define SPINDLE_HTTP_TEMPLATE_H

#include "parameters.h"
#include "text.h"

struct templates {
    const spindle_request *source;
    bool target, headers, body, form;
    bool *secret; /* set when one is put in; or NULL */
};

enum template_place {
    TEMPLATE_TARGET, /* the path and the query of a URL */
    TEMPLATE_TEXT,   /* as it is: whoever uses the result checks it */
    TEMPLATE_JSON,
    TEMPLATE_FORM,
    TEMPLATE_XML
};

bool templates_read(struct templates *templates, const struct parameters *parameters, struct request_fault *fault);
/* `name` is the parameter that holds the text, for the error; empty for the target. */
bool template_expand(const struct templates *templates, enum template_place place, spindle_str text, spindle_str name,
                     struct buffer *expanded, struct request_fault *fault);
/* How values are written in a body of that content type; false if no way is known. */
bool template_place_of(spindle_str content_type, enum template_place *place);

#endif
