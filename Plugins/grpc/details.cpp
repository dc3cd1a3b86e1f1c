#include "details.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include "base64.h"
#include "messages.h"

namespace spindle_grpc {

using namespace google::protobuf;

namespace {

constexpr size_t most_bytes = 65536, most_details = 32;

// google/rpc/error_details.proto, which servers of every language use: message, field, number, type. A type with a dot is a
// message, "*" before it repeats it.
struct Row {
    const char *message, *field;
    int number;
    const char *type;
};
const Row rows[] = {
    {"RetryInfo", "retry_delay", 1, ".google.protobuf.Duration"},
    {"DebugInfo", "stack_entries", 1, "*string"},
    {"DebugInfo", "detail", 2, "string"},
    {"QuotaFailure.Violation", "subject", 1, "string"},
    {"QuotaFailure.Violation", "description", 2, "string"},
    {"QuotaFailure", "violations", 1, "*.google.rpc.QuotaFailure.Violation"},
    {"ErrorInfo.MetadataEntry", "key", 1, "string"},
    {"ErrorInfo.MetadataEntry", "value", 2, "string"},
    {"ErrorInfo", "reason", 1, "string"},
    {"ErrorInfo", "domain", 2, "string"},
    {"ErrorInfo", "metadata", 3, "*.google.rpc.ErrorInfo.MetadataEntry"},
    {"PreconditionFailure.Violation", "type", 1, "string"},
    {"PreconditionFailure.Violation", "subject", 2, "string"},
    {"PreconditionFailure.Violation", "description", 3, "string"},
    {"PreconditionFailure", "violations", 1, "*.google.rpc.PreconditionFailure.Violation"},
    {"BadRequest.FieldViolation", "field", 1, "string"},
    {"BadRequest.FieldViolation", "description", 2, "string"},
    {"BadRequest.FieldViolation", "reason", 3, "string"},
    {"BadRequest.FieldViolation", "localized_message", 4, ".google.rpc.LocalizedMessage"},
    {"BadRequest", "field_violations", 1, "*.google.rpc.BadRequest.FieldViolation"},
    {"RequestInfo", "request_id", 1, "string"},
    {"RequestInfo", "serving_data", 2, "string"},
    {"ResourceInfo", "resource_type", 1, "string"},
    {"ResourceInfo", "resource_name", 2, "string"},
    {"ResourceInfo", "owner", 3, "string"},
    {"ResourceInfo", "description", 4, "string"},
    {"Help.Link", "description", 1, "string"},
    {"Help.Link", "url", 2, "string"},
    {"Help", "links", 1, "*.google.rpc.Help.Link"},
    {"LocalizedMessage", "locale", 1, "string"},
    {"LocalizedMessage", "message", 2, "string"},
};

template <typename Container> DescriptorProto *named(Container *list, const std::string &name) {
    for (DescriptorProto &message : *list) {
        if (message.name() == name) return &message;
    }
    DescriptorProto *message = list->Add();
    message->set_name(name);
    return message;
}

std::shared_ptr<const Schema> make_known() {
    FileDescriptorProto file;
    std::string why;
    file.set_name("google/rpc/error_details.proto");
    file.set_package("google.rpc");
    file.set_syntax("proto3");
    file.add_dependency("google/protobuf/duration.proto");
    for (const Row &row : rows) {
        std::string path = row.message, type = row.type;
        size_t dot = path.find('.');
        DescriptorProto *message = named(file.mutable_message_type(), path.substr(0, dot));
        if (dot != std::string::npos) message = named(message->mutable_nested_type(), path.substr(dot + 1));
        if (message->name() == "MetadataEntry") message->mutable_options()->set_map_entry(true);
        FieldDescriptorProto *field = message->add_field();
        bool repeated = type[0] == '*';
        if (repeated) type.erase(0, 1);
        field->set_name(row.field);
        field->set_number(row.number);
        field->set_label(repeated ? FieldDescriptorProto::LABEL_REPEATED : FieldDescriptorProto::LABEL_OPTIONAL);
        field->set_type(type[0] == '.' ? FieldDescriptorProto::TYPE_MESSAGE : FieldDescriptorProto::TYPE_STRING);
        if (type[0] == '.') field->set_type_name(type);
    }
    return Schema::from_files({file.SerializeAsString()}, why);
}

const Schema *known() {
    static const std::shared_ptr<const Schema> schema = make_known();
    return schema.get();
}

struct Detail {
    std::string type, value;
};

// google.rpc.Status: the third field holds the details, each an Any of a URL (1) and bytes (2).
std::vector<Detail> read_details(const std::string &bytes) {
    std::vector<Detail> details;
    UnknownFieldSet status, any;
    if (bytes.empty() || bytes.size() > most_bytes || !status.ParseFromString(bytes)) return details;
    for (int i = 0; i < status.field_count() && details.size() < most_details; i++) {
        const UnknownField &field = status.field(i);
        if (field.number() != 3 || field.type() != UnknownField::TYPE_LENGTH_DELIMITED) continue;
        if (!any.ParseFromString(field.length_delimited())) continue;
        Detail detail;
        for (int j = 0; j < any.field_count(); j++) {
            if (any.field(j).type() != UnknownField::TYPE_LENGTH_DELIMITED) continue;
            if (any.field(j).number() == 1) detail.type = any.field(j).length_delimited();
            if (any.field(j).number() == 2) detail.value = any.field(j).length_delimited();
        }
        detail.type = detail.type.substr(detail.type.rfind('/') + 1);
        details.push_back(std::move(detail));
    }
    return details;
}

json_t *detail_json(const Detail &detail, const Schema *schema) {
    json_t *object = nullptr;
    for (const Schema *in : {known(), schema}) {
        const Descriptor *type = in == nullptr ? nullptr : in->message(detail.type);
        std::string json, why;
        if (type == nullptr || object != nullptr) continue;
        if (message_decode(json, *in, *type, detail.value, false, most_bytes, why) != Decoded::ok) continue;
        object = json_loadb(json.data(), json.size(), JSON_ALLOW_NUL, nullptr);
    }
    if (object == nullptr) {
        object = json_object();
        json_object_set_new(object, "value", json_string(base64_encode(detail.value).c_str()));
    }
    json_t *typed = json_object();
    json_t *type = json_stringn(detail.type.data(), detail.type.size());
    json_object_set_new(typed, "@type", type != nullptr ? type : json_string(""));
    json_object_update(typed, object);
    json_decref(object);
    return typed;
}

} // namespace

json_t *details_json(const std::string &bytes, const Schema *schema) {
    json_t *list = json_array();
    for (const Detail &detail : read_details(bytes)) json_array_append_new(list, detail_json(detail, schema));
    return list;
}

int64_t details_retry_delay_ms(const std::string &bytes) {
    for (const Detail &detail : read_details(bytes)) {
        UnknownFieldSet info, delay;
        int64_t seconds = 0, nanoseconds = 0;
        if (detail.type != "google.rpc.RetryInfo" || !info.ParseFromString(detail.value) || info.field_count() == 0) continue;
        const UnknownField &field = info.field(0);
        if (field.number() != 1 || field.type() != UnknownField::TYPE_LENGTH_DELIMITED) continue;
        if (!delay.ParseFromString(field.length_delimited())) continue;
        for (int i = 0; i < delay.field_count(); i++) {
            if (delay.field(i).type() != UnknownField::TYPE_VARINT) continue;
            if (delay.field(i).number() == 1) seconds = (int64_t)delay.field(i).varint();
            if (delay.field(i).number() == 2) nanoseconds = (int64_t)(int32_t)delay.field(i).varint();
        }
        if (seconds < 0 || nanoseconds < 0 || nanoseconds > 999999999) continue;
        if (seconds > 1000000) seconds = 1000000;
        return seconds * 1000 + (nanoseconds + 999999) / 1000000;
    }
    return -1;
}

} // namespace spindle_grpc
