#include "outcome.h"

#include <jansson.h>
#include <string.h>

#include <algorithm>

#include "base64.h"
#include "details.h"
#include "instance.h"
#include "thread.h"

namespace spindle_grpc {

namespace {

constexpr size_t most_metadata_value = 1024, most_metadata = 48 << 10;

using Entries = std::vector<std::pair<std::string, std::string>>;

void add_received(Entries &entries, const char *prefix, const Trailers &received, size_t &room) {
    for (const auto &item : received) {
        std::string name(item.first.data(), item.first.size()), value(item.second.data(), item.second.size());
        if (name == "grpc-status-details-bin") continue; // it is in the error
        if (name.size() > 4 && name.compare(name.size() - 4, 4, "-bin") == 0) value = base64_encode(value);
        name = prefix + name;
        value = value.substr(0, most_metadata_value);
        if (name.size() > SPINDLE_MAX_NAME_BYTES || name.size() + value.size() > room) continue;
        room -= name.size() + value.size();
        entries.emplace_back(std::move(name), std::move(value));
    }
}

Entries metadata_of(Attempt &a, bool succeeded) {
    Entries entries;
    size_t room = most_metadata;
    entries.emplace_back("method", a.request.target.service + "/" + a.request.target.method);
    entries.emplace_back("timing.totalMs", std::to_string((clock_mono_ns() - a.started_ns) / 1000000));
    if (a.schema != nullptr) entries.emplace_back("descriptors", a.described_by_server ? "reflection" : "file");
    if (!a.ended) return entries;
    entries.emplace_back("status", status_name((int)a.status.error_code()));
    entries.emplace_back("peer", a.call->context().peer());
    entries.emplace_back("messages", std::to_string(a.messages));
    entries.emplace_back("bytes", std::to_string(a.output.bytes()));
    if (succeeded && a.output.has_artefact()) entries.emplace_back("artefact", "response");
    add_received(entries, "header.", a.call->context().GetServerInitialMetadata(), room);
    add_received(entries, "trailer.", a.call->context().GetServerTrailingMetadata(), room);
    return entries;
}

std::string details_of(const Attempt &a) {
    json_t *object = json_object();
    std::string text;
    json_object_set_new(object, "method", json_string((a.request.target.service + "/" + a.request.target.method).c_str()));
    json_object_set_new(object, "server", json_string(a.request.target.origin().c_str()));
    if (!a.status.ok() && a.stopped == nullptr) {
        json_t *reason = json_stringn(a.status.error_message().data(), std::min<size_t>(a.status.error_message().size(), 2048));
        json_object_set_new(object, "status", json_string(status_name((int)a.status.error_code())));
        json_object_set_new(object, "reason", reason != nullptr ? reason : json_string(""));
        json_object_set_new(object, "details", details_json(a.status.error_details(), a.schema.get()));
    }
    char *dumped = json_dumps(object, JSON_COMPACT);
    if (dumped != nullptr && strlen(dumped) > SPINDLE_MAX_DETAILS_BYTES) {
        free(dumped);
        json_object_del(object, "details");
        json_object_set_new(object, "detailsTruncated", json_true());
        dumped = json_dumps(object, JSON_COMPACT);
    }
    if (dumped != nullptr) text = dumped;
    free(dumped);
    json_decref(object);
    return text;
}

void complete(Attempt &a, spindle_result result, spindle_error *error, bool with_metadata) {
    Entries entries;
    std::vector<spindle_kv> metadata;
    if (with_metadata) entries = metadata_of(a, error == nullptr);
    for (const auto &entry : entries) {
        metadata.push_back({spindle_str_make(entry.first.data(), entry.first.size()),
                            spindle_str_make(entry.second.data(), entry.second.size())});
    }
    result.struct_size = (uint32_t)sizeof result;
    result.error = error;
    result.metadata = metadata.empty() ? nullptr : metadata.data();
    result.metadata_count = metadata.size();
    result.output = spindle_str_make(a.output.text().data(), a.output.text().size());
    if (a.method != nullptr && !a.output.text().empty()) {
        result.content_type = a.method->server_streaming() ? SPINDLE_STR("application/x-ndjson") : SPINDLE_STR("application/json");
    }
    a.instance.loop.retire(a);
    (void)a.host->complete(a.ctx, a.handle, &result);
    // Nothing of `a` from here on: release may already run.
}

void fail(Attempt &a, const Judgement &judgement, const std::string &pointer, bool hidden) {
    spindle_result result{};
    spindle_error error{};
    std::string details = hidden ? "" : details_of(a);
    error.struct_size = (uint32_t)sizeof error;
    result.outcome = error.outcome = judgement.outcome;
    result.retry_after_ms = judgement.retry_after_ms;
    error.code = spindle_str_make(judgement.code.data(), judgement.code.size());
    error.message = spindle_str_make(judgement.message.data(), judgement.message.size());
    error.details = spindle_str_make(details.data(), details.size());
    error.pointer = spindle_str_make(pointer.data(), pointer.size());
    complete(a, result, &error, !hidden);
}

} // namespace

void outcome_success(Attempt &a) {
    spindle_result result{};
    result.outcome = SPINDLE_SUCCESS;
    result.retry_after_ms = -1;
    complete(a, result, nullptr, true);
}

void outcome_judged(Attempt &a, const Judgement &judgement) {
    fail(a, Judgement(judgement), "", false); // a copy: it may be the attempt's own
}

void outcome_error(Attempt &a, int32_t outcome, const char *code, const std::string &message, const std::string &pointer) {
    fail(a, {outcome, code, message, -1}, pointer, false);
}

void outcome_address(Attempt &a) {
    fail(a,
         {SPINDLE_PERMANENT, "grpc.address",
          "the target is not at an address that this executor may connect to; an operator can allow it", -1},
         "", true);
}

} // namespace spindle_grpc
