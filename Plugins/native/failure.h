/* Which results of a function mean that it failed, and what the failure is called. */
#ifndef NATIVE_FAILURE_H
#define NATIVE_FAILURE_H

#include "signature.h"

enum comparison { COMPARE_EQUAL, COMPARE_UNEQUAL, COMPARE_LESS, COMPARE_LESS_EQUAL, COMPARE_GREATER, COMPARE_GREATER_EQUAL };
enum operand { OPERAND_NUMBER, OPERAND_NULL, OPERAND_NAN };

struct failure {
    bool declared;
    char text[64]; /* "< 0" */
    enum comparison comparison;
    enum operand operand;
    double number;
    bool use_errno;
    int32_t outcome; /* SPINDLE_RETRYABLE, SPINDLE_PERMANENT; SPINDLE_SUCCESS: as errno says */
};

/* "< 0", "== null", "!= 0, errno". `code` and `pointer` are for the problem. */
int failure_read(struct failure *failure, spindle_str text, const char *code, const char *pointer, struct problem *problem);

/* Fits the comparison the result? An array that is returned is a pointer. */
int failure_check(const struct failure *failure, const struct item *result, struct problem *problem);

bool failure_met(const struct failure *failure, const struct item *result, const void *at);

/* May a call that failed with this errno work later? */
bool errno_is_passing(int number);

#endif
