/* The one function of libFuzzer (libclang_rt.fuzzer_no_main) that a program with a main of its own calls. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Runs the fuzzer on the callback, whose result must be 0. It may take arguments of its own from the list. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
