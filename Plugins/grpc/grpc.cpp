// The executor `grpc`: one call a job, hundreds at once on one thread. What a job may ask for is in Docs/executors/grpc.md.
#include <spindle/executor.h>

#include <google/protobuf/stubs/logging.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <signal.h>

#include <new>

#include "attempt.h"
#include "flow.h"
#include "instance.h"
#include "text.h"
#include "thread.h"

namespace spindle_grpc {

namespace {

// The libraries would write to stderr. What matters is in each call's status.
void ignore_line(gpr_log_func_args *) {}

// The threads that the library starts inherit the mask: the process's signals are the host's.
class BlockedSignals {
  public:
    BlockedSignals() {
        sigset_t blocked;
        sigfillset(&blocked);
        for (int crash : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&blocked, crash);
        is_set_ = pthread_sigmask(SIG_SETMASK, &blocked, &before_) == 0;
    }
    ~BlockedSignals() {
        if (is_set_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    BlockedSignals(const BlockedSignals &) = delete;

  private:
    sigset_t before_;
    bool is_set_;
};

bool holds_library = false; // one create at a time, shutdown last

spindle_status init(const spindle_host *host, spindle_host_ctx *) {
    // An attempt's state reaches cancel and release only through the host.
    if (!SPINDLE_OFFERS(host, set_state)) return SPINDLE_E_UNSUPPORTED;
    gpr_set_log_function(ignore_line);
    google::protobuf::SetLogHandler(nullptr);
    return SPINDLE_OK;
}

void stop() {
    resolver_stop();
    if (holds_library) grpc_shutdown_blocking();
    holds_library = false;
}

void end_instance(Instance *instance) {
    instance->loop.stop();
    delete instance;
}

spindle_status create_instance(const spindle_instance_config *config, void **made) {
    Fault fault;
    BlockedSignals blocked;
    // Not in init: it starts threads, which a process without an instance has no use for.
    if (!holds_library) grpc_init();
    holds_library = true;
    std::unique_ptr<Instance> instance(new Instance());
    instance->loop.stopping = describe_stop;
    instance->loop.idle = describe_idle;
    instance->loop.context = instance.get();
    if (!config_read(instance->config, *config, fault)) {
        end_instance(instance.release());
        return spindle_config_error(config, fault.code.c_str(), fault.message.c_str(), fault.pointer.c_str());
    }
    if (!instance->loop.start()) {
        end_instance(instance.release());
        return SPINDLE_E_BUSY;
    }
    *made = instance.release();
    return SPINDLE_OK;
}

spindle_status create(const spindle_instance_config *config, void **made) {
    if (!SPINDLE_OFFERS(config->host, set_state)) return SPINDLE_E_UNSUPPORTED;
    try {
        return create_instance(config, made);
    } catch (...) {
        return SPINDLE_E_BUSY;
    }
}

void destroy(void *made) {
    end_instance(static_cast<Instance *>(made));
}

int32_t can_execute(const spindle_request *request) {
    return text_starts_nocase(request->target.ptr, request->target.len, "grpc://") ||
           text_starts_nocase(request->target.ptr, request->target.len, "grpcs://");
}

spindle_status refuse(const spindle_request *request, const Fault &fault) {
    spindle_error error{};
    error.struct_size = (uint32_t)sizeof error;
    error.outcome = SPINDLE_PERMANENT;
    error.code = spindle_str_make(fault.code.data(), fault.code.size());
    error.message = spindle_str_make(fault.message.data(), fault.message.size());
    error.pointer = spindle_str_make(fault.pointer.data(), fault.pointer.size());
    if (SPINDLE_OFFERS(request->host, set_error)) (void)request->host->set_error(request->ctx, request->handle, &error);
    return SPINDLE_E_INVALID;
}

spindle_status execute(void *made, spindle_handle handle, const spindle_request *request) {
    try {
        Instance &instance = *static_cast<Instance *>(made);
        Fault fault;
        std::unique_ptr<Attempt> attempt(new Attempt(instance, *request));
        if (!request_read(attempt->request, *request, fault)) return refuse(request, fault);
        attempt->output.set_limit(attempt->request.max_response_bytes);
        if (request->host->set_state(request->ctx, handle, attempt.get()) != SPINDLE_OK) return SPINDLE_E_INTERNAL;
        Attempt &posted = *attempt.release(); // release frees it
        // A cancel before set_state got no state to act on.
        bool cancelled = spindle_cancel_state(request) != SPINDLE_CANCEL_NONE;
        instance.loop.post(posted, cancelled ? &Attempt::cancel_wanted : nullptr);
        return SPINDLE_PENDING;
    } catch (...) {
        return SPINDLE_E_BUSY;
    }
}

// A post needs a little memory at most; without it the deadline ends the attempt.
void post(void *state, bool Attempt::*flag) {
    try {
        Attempt *attempt = static_cast<Attempt *>(state);
        if (attempt != nullptr) attempt->instance.loop.post(*attempt, flag);
    } catch (...) {
    }
}

void cancel(void *, spindle_handle, void *state, int32_t, int64_t) {
    post(state, &Attempt::cancel_wanted);
}

void writable(void *, spindle_handle, void *state) {
    post(state, &Attempt::writable);
}

void release(void *, spindle_handle, void *state) {
    delete static_cast<Attempt *>(state);
}

const char *const prefixes[] = {"grpc://", "grpcs://"};
const char *const needs[] = {"net:*", "fs:read:*"}; // files: those that the configuration names

spindle_executor_descriptor describe_executor() {
    spindle_executor_descriptor d{};
    d.struct_size = (uint32_t)sizeof d;
    d.flags = SPINDLE_EXECUTOR_ASYNC | SPINDLE_EXECUTOR_CONCURRENT | SPINDLE_EXECUTOR_CANCELLABLE |
              SPINDLE_EXECUTOR_NEEDS_ISOLATION; // gRPC's library ends its process when it finds itself wrong
    d.type = "grpc";
    d.target_prefixes = prefixes;
    d.target_prefix_count = sizeof prefixes / sizeof *prefixes;
    d.name = "gRPC call";
    d.vendor = "Spindle";
    d.description = "Calls a method of a gRPC service, unary or streaming, with JSON for its messages.";
    d.docs_url = "Docs/executors/grpc.md";
    d.config_schema = config_schema;
    d.parameters_schema = parameters_schema;
    d.needs = needs;
    d.need_count = sizeof needs / sizeof *needs;
    d.concurrency_hint = 256;
    d.timeout_ms_hint = 30000;
    d.create = create;
    d.can_execute = can_execute;
    d.execute = execute;
    d.cancel = cancel;
    d.release = release;
    d.destroy = destroy;
    d.writable = writable;
    return d;
}

const spindle_executor_descriptor descriptor = describe_executor();
const spindle_executor_descriptor *const executors[] = {&descriptor};

spindle_executor_factory make_factory() {
    spindle_executor_factory f{};
    f.struct_size = (uint32_t)sizeof f;
    f.abi_minor = SPINDLE_ABI_MINOR;
    f.executor_count = 1;
    f.executors = executors;
    f.plugin_id = "spindle.grpc";
    f.plugin_version = "1.0.0";
    f.init = init;
    f.shutdown = stop;
    return f;
}

const spindle_executor_factory factory = make_factory();

} // namespace

} // namespace spindle_grpc

extern "C" SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) {
    return &spindle_grpc::factory;
}
