#include "call.h"

#include <errno.h>
#include <string.h>

/* libffi gives a small integer as a whole ffi_arg; the rest of this plugin reads it as C's type. */
static void narrow_result(const struct call *call) {
    const struct item *result = &call->function->signature.result;
    const struct type *type = result->type;
    ffi_arg wide;
    if (result->shape != SHAPE_ONE || type->size >= sizeof wide) return;
    if (!type_is_integer(type) && type->kind != KIND_BOOL) return;
    memcpy(&wide, call->result, sizeof wide);
    if (type->kind == KIND_BOOL) {
        unsigned char byte = (unsigned char)wide;
        memcpy(call->result, &byte, 1);
    } else {
        integer_write(type, (uint64_t)wide, call->result);
    }
}

/* What is known before the call is said before it: a wrong signature may end this process. The job's target names the function
 * of a single call; of a list the log has to tell. */
static void announce(const struct call *call) {
    const spindle_request *request = call->m->request;
    int32_t level = call->of_list ? SPINDLE_LOG_INFO : SPINDLE_LOG_DEBUG;
    spindle_kv function = { SPINDLE_STR_INIT("function"), spindle_str_from_cstr(call->function->label) };
    if (SPINDLE_OFFERS(request->host, metadata)) {
        (void)request->host->metadata(request->ctx, request->handle, function.key, function.value);
    }
    if (!SPINDLE_OFFERS(request->host, log)) return;
    (void)request->host->log(request->ctx, request->handle, level, SPINDLE_STR("calling"), &function, 1);
}

int call_run(struct call *call, native_function function, json_t **result) {
    const struct signature *signature = &call->function->signature;
    size_t i;
    ffi_cif cif = signature->cif; /* ffi_call takes it without const */
    announce(call);
    errno = 0;
    ffi_call(&cif, function, call->result, call->values);
    call->error = errno;
    narrow_result(call);
    if (!call_guards_hold(call, &i)) {
        return problem_set(
            call->m->problem, "native.overrun", NULL,
            "%.300s wrote past the end of what item %zu of the signature gave it: the signature is wrong, or the size that "
            "it was told; memory of the worker may be damaged",
            call->function->label, i);
    }
    call->failed = failure_met(call->fails, &signature->result, call->result);
    for (i = 0; i < signature->count; i++) {
        struct callback *callback = &call->slots[i].callback;
        if (callback->type == NULL) continue;
        if (callback->stopped) call->stopped = true;
        if (callback->problem.code[0] != 0) {
            *call->m->problem = callback->problem;
            return -1;
        }
    }
    *result = call_results(call);
    return *result == NULL ? -1 : 0;
}

void call_close(struct call *call) {
    size_t i;
    for (i = 0; i < SIGNATURE_MOST_ITEMS; i++) callback_close(&call->slots[i].callback);
}
