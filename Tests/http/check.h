/* Counts checks and says which failed. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

extern int passed, failed;

#define CHECK(condition, ...)                                                                                           \
    do {                                                                                                                \
        if (condition) {                                                                                                \
            passed++;                                                                                                   \
        } else {                                                                                                        \
            failed++;                                                                                                   \
            printf("FAILED %s:%d: %s: ", __FILE__, __LINE__, #condition);                                               \
            printf(__VA_ARGS__);                                                                                        \
            printf("\n");                                                                                               \
        }                                                                                                               \
    } while (0)

#define REPORT() (printf("%d passed, %d failed\n", passed, failed), failed == 0 ? 0 : 1)

#endif
