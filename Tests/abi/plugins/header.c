/* Everything that a plugin's source takes from the header; compiled as C99 and C++17 with all warnings. */
#include <spindle/executor.h>

static spindle_status greet(void *instance, spindle_handle attempt, const spindle_request *request) {
    spindle_str name = spindle_param_or(request, "name", "world");
    (void)instance, (void)attempt;
    spindle_log(request, SPINDLE_LOG_INFO, "greeting");
    if (spindle_cancel_state(request) != SPINDLE_CANCEL_NONE) return SPINDLE_E_BUSY;
    if (name.len > 100) return spindle_fail(request, SPINDLE_PERMANENT, "greet.long", "too long");
    return spindle_succeed(request, spindle_str_is(name, "x") ? SPINDLE_STR("X") : name, "text/plain");
}

extern spindle_status (*const greet_function)(void *, spindle_handle, const spindle_request *);
spindle_status (*const greet_function)(void *, spindle_handle, const spindle_request *) = greet;
