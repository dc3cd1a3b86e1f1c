#include "descriptors.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/api.pb.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/util/type_resolver_util.h>
#include <google/protobuf/wrappers.pb.h>

namespace spindle_grpc {

using namespace google::protobuf;

namespace {

const FileDescriptor *find_well_known(const std::string &name) {
    // Naming one message of each file makes the linker keep it and the library register it.
    static const FileDescriptor *const files[] = {
        Any::descriptor()->file(),       Api::descriptor()->file(),       FileDescriptorProto::descriptor()->file(),
        Duration::descriptor()->file(),  Empty::descriptor()->file(),     FieldMask::descriptor()->file(),
        Struct::descriptor()->file(),    Timestamp::descriptor()->file(), Type::descriptor()->file(),
        BoolValue::descriptor()->file(),
    };
    for (const FileDescriptor *file : files) {
        if (file->name() == name) return file;
    }
    // Imported by the others.
    return name == "google/protobuf/source_context.proto" ? Type::descriptor()->file()->dependency(1) : nullptr;
}

constexpr int most_imports = 512;
constexpr size_t most_elements = 100000;

size_t elements(const EnumDescriptorProto &type) {
    return 1 + (size_t)type.value_size();
}

size_t elements(const DescriptorProto &type) {
    size_t count = 1 + (size_t)type.field_size() + (size_t)type.extension_size() + (size_t)type.oneof_decl_size() +
                   (size_t)type.reserved_range_size() + (size_t)type.reserved_name_size() + (size_t)type.extension_range_size();
    for (const DescriptorProto &inner : type.nested_type()) count += elements(inner);
    for (const EnumDescriptorProto &inner : type.enum_type()) count += elements(inner);
    return count;
}

size_t elements(const FileDescriptorProto &file) {
    size_t count = 1 + (size_t)file.extension_size();
    for (const DescriptorProto &type : file.message_type()) count += elements(type);
    for (const EnumDescriptorProto &type : file.enum_type()) count += elements(type);
    for (const ServiceDescriptorProto &service : file.service()) count += 1 + (size_t)service.method_size();
    return count;
}

} // namespace

bool is_well_known_file(const std::string &name) {
    const FileDescriptor *file = find_well_known(name);
    return file != nullptr && file->name() == name;
}

std::string well_known_file(const std::string &name) {
    const FileDescriptor *file = find_well_known(name);
    FileDescriptorProto copy;
    if (file == nullptr || file->name() != name) return "";
    file->CopyTo(&copy);
    return copy.SerializeAsString();
}

Schema::Schema() : pool_(&database_, &errors_) {
    resolver_.reset(util::NewTypeResolverForDescriptorPool("type.googleapis.com", &pool_));
}

bool Schema::add(const FileDescriptorProto &file, std::string &why) {
    if (!known_names_.insert(file.name()).second) return true; // the first one counts
    if (file.dependency_size() > most_imports) {
        why = "the descriptors are too much: " + file.name().substr(0, 200) + " imports more than 512 files";
        return false;
    }
    size_ += elements(file);
    if (size_ > most_elements) {
        why = "the descriptors are too much: more than 100,000 messages, fields, values and methods";
        return false;
    }
    if (!database_.Add(file)) {
        why = "the descriptors contradict each other: " + file.name() + " defines what another file defines";
        return false;
    }
    file_names_.push_back(file.name());
    return true;
}

bool Schema::build(std::string &why) {
    // A file that is imported and not there is taken from the library, if it is one of protobuf's own.
    for (size_t i = 0; i < file_names_.size(); i++) {
        FileDescriptorProto file;
        database_.FindFileByName(file_names_[i], &file);
        for (const std::string &import : file.dependency()) {
            std::string bytes;
            FileDescriptorProto own;
            if (known_names_.count(import) > 0 || (bytes = well_known_file(import)).empty()) continue;
            if (!own.ParseFromString(bytes) || !add(own, why)) return false;
        }
    }
    for (const std::string &name : file_names_) {
        if (pool_.FindFileByName(name) != nullptr) continue;
        why = "the descriptors are not valid: " + (errors_.first.empty() ? name : errors_.first.substr(0, 500));
        return false;
    }
    return true;
}

std::shared_ptr<const Schema> Schema::from_files(const std::vector<std::string> &files, std::string &why) {
    std::shared_ptr<Schema> schema(new Schema());
    for (const std::string &bytes : files) {
        FileDescriptorProto file;
        if (!file.ParseFromString(bytes)) {
            why = "the descriptors are not valid: not a FileDescriptorProto";
            return nullptr;
        }
        if (!schema->add(file, why)) return nullptr;
    }
    if (!schema->build(why)) return nullptr;
    return schema;
}

std::shared_ptr<const Schema> Schema::from_descriptor_set(const std::string &bytes, std::string &why) {
    FileDescriptorSet set;
    std::shared_ptr<Schema> schema(new Schema());
    if (!set.ParseFromString(bytes) || set.file_size() == 0) {
        why = "the file is not a descriptor set; protoc makes one with descriptor_set_out and include_imports";
        return nullptr;
    }
    for (const FileDescriptorProto &file : set.file()) {
        if (!schema->add(file, why)) return nullptr;
    }
    if (!schema->build(why)) return nullptr;
    return schema;
}

const ServiceDescriptor *Schema::service(const std::string &name) const {
    return pool_.FindServiceByName(name);
}

const Descriptor *Schema::message(const std::string &name) const {
    return pool_.FindMessageTypeByName(name);
}

std::vector<std::string> Schema::service_names() const {
    std::vector<std::string> names;
    for (const std::string &file_name : file_names_) {
        const FileDescriptor *file = pool_.FindFileByName(file_name);
        for (int i = 0; i < file->service_count(); i++) names.push_back(file->service(i)->full_name());
    }
    return names;
}

} // namespace spindle_grpc
