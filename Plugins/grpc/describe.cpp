// Where an attempt gets its descriptors from: the configured file, what a server said lately, or the server.
#include <algorithm>

#include "flow.h"
#include "instance.h"
#include "outcome.h"
#include "thread.h"

namespace spindle_grpc {

namespace {

constexpr size_t most_schemas = 256, most_elements = 200000;
constexpr int64_t second_ns = 1000000000, longest_answer_ns = 10 * second_ns;
constexpr int64_t fresh_ns = 5 * second_ns; // a method that is not in descriptors older than that may be new

std::string key_of(const Attempt &a) {
    return a.request.target.origin() + " " + a.request.target.service;
}

void remember(Instance &instance, const std::string &key, const Reflection &reflection) {
    instance.schemas[key] = {reflection.schema, clock_mono_ns()};
    for (;;) {
        size_t elements = 0;
        auto oldest = instance.schemas.begin();
        for (auto item = oldest; item != instance.schemas.end(); ++item) {
            elements += item->second.schema->size();
            if (item->second.fetched_ns < oldest->second.fetched_ns) oldest = item;
        }
        if (instance.schemas.size() <= most_schemas && elements <= most_elements) return;
        instance.schemas.erase(oldest);
    }
}

void no_service(Attempt &a, const std::vector<std::string> &services, const char *where) {
    std::string message = std::string(where) + " no service " + a.request.target.service;
    std::string near = suggestion(a.request.target.service, services), list;
    for (size_t i = 0; i < services.size() && i < 10; i++) list += (i == 0 ? "" : ", ") + services[i].substr(0, 200);
    if (!near.empty()) message += near;
    else if (!list.empty()) message += "; it has " + list + (services.size() > 10 ? ", …" : "");
    outcome_error(a, SPINDLE_PERMANENT, "grpc.method", message);
}

// False: the schema does not have the method.
bool use(Attempt &a, std::shared_ptr<const Schema> schema, bool by_server) {
    const auto *service = schema->service(a.request.target.service);
    a.method = service == nullptr ? nullptr : service->FindMethodByName(a.request.target.method);
    if (a.method == nullptr) return false;
    a.schema = std::move(schema);
    a.described_by_server = by_server;
    return true;
}

void no_method(Attempt &a, const Schema &schema) {
    const auto *service = schema.service(a.request.target.service);
    std::vector<std::string> names;
    std::string list;
    for (int i = 0; i < service->method_count(); i++) names.push_back(service->method(i)->name());
    for (size_t i = 0; i < names.size() && i < 10; i++) list += (i == 0 ? "" : ", ") + names[i];
    std::string near = suggestion(a.request.target.method, names);
    outcome_error(a, SPINDLE_PERMANENT, "grpc.method",
                  a.request.target.service + " has no method " + a.request.target.method +
                      (near.empty() ? "; it has " + list : near));
}

void ended(Reflection &reflection, void *context);

void join(Attempt &a) {
    Instance &instance = a.instance;
    std::string key = key_of(a);
    auto &slot = instance.reflections[key];
    bool is_new = slot == nullptr;
    if (is_new) {
        int64_t end = clock_mono_ns() + instance.config.connect_timeout_ms * 1000000 + longest_answer_ns;
        gpr_timespec deadline = {end / second_ns, (int32_t)(end % second_ns), GPR_CLOCK_MONOTONIC};
        Reflection::Metadata metadata(a.request.metadata.begin(),
                                      a.request.metadata.begin() + (ptrdiff_t)a.request.job_metadata_count);
        slot = std::make_unique<Reflection>(a.channel, instance.loop.queue(), a.request.target.service, metadata, deadline, ended,
                                            &instance);
    }
    slot->waiting.insert(&a);
    a.reflection = slot.get();
    a.phase = Phase::describing;
    instance.loop.watch(a);
    if (is_new) slot->start();
}

bool same_metadata(const Attempt &a, const Reflection &reflection) {
    if (a.request.job_metadata_count != reflection.metadata().size()) return false;
    return std::equal(reflection.metadata().begin(), reflection.metadata().end(), a.request.metadata.begin());
}

void answer(Attempt &a, const Reflection &reflection) {
    switch (reflection.result) {
    case Reflection::Result::found:
        if (use(a, reflection.schema, true)) flow_described(a);
        else no_method(a, *reflection.schema);
        return;
    case Reflection::Result::no_service: no_service(a, reflection.services, "the server has"); return;
    case Reflection::Result::no_support:
        outcome_error(a, SPINDLE_PERMANENT, "grpc.descriptors",
                      "the server has no reflection; an operator can give a descriptor set in the configuration (descriptors)");
        return;
    case Reflection::Result::unusable:
        outcome_error(a, SPINDLE_PERMANENT, "grpc.descriptors", "the server's reflection cannot be used: " + reflection.why);
        return;
    case Reflection::Result::failed: break;
    }
    // Unless there was no server: it may have been another job's credentials that were refused.
    auto code = reflection.failure.error_code();
    bool was_there = code != grpc::StatusCode::UNAVAILABLE && code != grpc::StatusCode::DEADLINE_EXCEEDED;
    if (was_there && !same_metadata(a, reflection)) {
        join(a);
        return;
    }
    Judgement judgement = status_judge(reflection.failure, {}, false, reflection.channel()->GetState(false) == GRPC_CHANNEL_READY);
    if (judgement.code.compare(0, 12, "grpc.status.") == 0) {
        judgement.message = "the server was asked for its descriptors: " + judgement.message;
    }
    a.status = reflection.failure;
    outcome_judged(a, judgement);
}

void ended(Reflection &reflection, void *context) {
    Instance &instance = *static_cast<Instance *>(context);
    std::unique_ptr<Reflection> own;
    auto gone = instance.fading.find(&reflection);
    if (gone != instance.fading.end()) {
        own = std::move(gone->second);
        instance.fading.erase(gone);
        return;
    }
    for (auto item = instance.reflections.begin(); item != instance.reflections.end(); ++item) {
        if (item->second.get() != &reflection) continue;
        try {
            if (reflection.result == Reflection::Result::found) remember(instance, item->first, reflection);
        } catch (...) { // without memory it is asked for again
        }
        own = std::move(item->second);
        instance.reflections.erase(item);
        break;
    }
    if (reflection.failure.error_code() == grpc::StatusCode::UNAVAILABLE) instance.channels.drop(reflection.channel());
    std::set<Attempt *> waiting;
    waiting.swap(reflection.waiting);
    for (Attempt *a : waiting) a->reflection = nullptr;
    for (Attempt *a : waiting) {
        Working working(*a);
        instance.loop.unwatch(*a);
        flow_guarded(*a, [&] { answer(*a, reflection); });
    }
}

} // namespace

void describe(Attempt &a) {
    const Config &config = a.instance.config;
    if (config.descriptors != nullptr && config.descriptors->service(a.request.target.service) != nullptr) {
        if (use(a, config.descriptors, false)) flow_described(a);
        else no_method(a, *config.descriptors);
        return;
    }
    if (!config.reflection) {
        no_service(a, config.descriptors->service_names(), "the configured descriptors have");
        return;
    }
    auto known = a.instance.schemas.find(key_of(a));
    if (known != a.instance.schemas.end()) {
        int64_t age_ns = clock_mono_ns() - known->second.fetched_ns;
        if (age_ns < config.descriptors_age_ms * 1000000) {
            if (use(a, known->second.schema, true)) {
                flow_described(a);
                return;
            }
            if (age_ns < fresh_ns) {
                std::shared_ptr<const Schema> schema = known->second.schema;
                no_method(a, *schema);
                return;
            }
        }
    }
    join(a);
}

void describe_leave(Attempt &a) {
    Reflection *reflection = a.reflection;
    if (reflection == nullptr) return;
    a.reflection = nullptr;
    reflection->waiting.erase(&a);
    if (!reflection->waiting.empty()) return;
    for (auto item = a.instance.reflections.begin(); item != a.instance.reflections.end(); ++item) {
        if (item->second.get() != reflection) continue;
        a.instance.fading[reflection] = std::move(item->second);
        a.instance.reflections.erase(item);
        break;
    }
    reflection->cancel();
}

void describe_stop(void *context) {
    Instance &instance = *static_cast<Instance *>(context);
    for (auto &item : instance.fading) item.first->cancel();
}

bool describe_idle(void *context) {
    return static_cast<Instance *>(context)->fading.empty();
}

} // namespace spindle_grpc
