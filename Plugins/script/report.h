/* What a program says of its work: a line of JSON for each thing, through a pipe of its own. Nothing gets there by accident,
 * so what cannot be read there is a fault and is not passed over. */
#ifndef SCRIPT_REPORT_H
#define SCRIPT_REPORT_H

#include "text.h"

#define REPORT_LINE_BYTES ((size_t)2 * SPINDLE_MAX_OUTPUT_BYTES) /* escapes make a result longer than it is */

struct report {
    int fd;              /* our end, not blocking; -1 = none */
    int child;           /* the program's end, until it was started; -1 = none */
    char *line;          /* the beginning of a line that is not complete yet */
    size_t line_len, line_size;
    bool skipping;       /* within a line that is too long */
    size_t bad_lines;
    char first_bad[200]; /* what was wrong with the first of them */
    /* What counts at the end; the last word of each: */
    char *result;        /* NULL = none */
    size_t result_len;
    char content_type[SPINDLE_MAX_NAME_BYTES + 1];
    bool failed;         /* it said why it fails */
    char code[41], message[1024];
    int retryable;       /* -1 = it did not say */
    int64_t retry_after_ms;
};

struct run;

bool report_open(struct report *report); /* false: errno says why */
void report_started(struct report *report); /* the program has its end */
bool report_read(struct run *run);       /* takes what is there; true: something was read */
void report_end(struct run *run);        /* takes the rest, without waiting for those who still hold the pipe */
void report_free(struct report *report);

/* report_line.c: does what one line says. */
void report_line(struct run *run, const char *text, size_t len);
__attribute__((format(printf, 2, 3))) void report_bad(struct run *run, const char *format, ...);

#endif
