/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files from where the application was started: SimpleFileSystem, or LoadFile2/LoadFile on a
 * network device.  Whole files, into pages below 4 GiB.  UEFI 2.10 section 13.
 */
#include "efi_app.h"

#include "bytes.h"

#define PATH_MAX_CHARS 512
#define READ_CHUNK     0x1000000u /* some firmware fails on larger single reads */

/* One UTF-8 character as UCS-2; false at a malformed or unrepresentable one. */
static bool next_character(const char **text, CHAR16 *ret)
{
    uint8_t first = (uint8_t) * (*text)++;
    unsigned extra = first < 0x80 ? 0 : (first >> 5) == 6 ? 1 : (first >> 4) == 14 ? 2 : 9;
    uint32_t value = extra == 0 ? first : first & (0x3fu >> extra);
    if (extra == 9)
        return false;
    while (extra--) {
        uint8_t byte = (uint8_t) * (*text)++;
        if ((byte & 0xc0) != 0x80)
            return false;
        value = (value << 6) | (byte & 0x3f);
    }
    *ret = value == '/' ? '\\' : (CHAR16)value;
    return true;
}

/* The folder of the application itself, with a closing backslash; "\\" when not known. */
static UINTN own_folder(struct efi_app *app, CHAR16 *to)
{
    UINTN used = 0, end = 0;
    EFI_DEVICE_PATH *node = app->loaded->FilePath;
    for (; node && !IsDevicePathEnd(node); node = NextDevicePathNode(node)) {
        UINTN length = DevicePathNodeLength(node);
        if (length < sizeof(*node))
            break;
        if (DevicePathType(node) != MEDIA_DEVICE_PATH ||
            DevicePathSubType(node) != MEDIA_FILEPATH_DP)
            continue;
        const uint8_t *name = (const uint8_t *)node + sizeof(*node);
        for (UINTN i = 0; i + 1 < length - sizeof(*node) && used < PATH_MAX_CHARS / 2; i += 2) {
            CHAR16 c = (CHAR16)(name[i] | name[i + 1] << 8);
            if (!c)
                break;
            to[used++] = c;
            if (c == '\\')
                end = used;
        }
    }
    if (!end || to[0] != '\\') {
        to[0] = '\\';
        return 1;
    }
    return end;
}

static bool wide_path(struct efi_app *app, const char *path, CHAR16 *to)
{
    UINTN used = 0;
    if (path[0] != '/' && path[0] != '\\')
        used = own_folder(app, to);
    while (*path) {
        if (used + 1 >= PATH_MAX_CHARS || !next_character(&path, &to[used++]))
            return false;
    }
    to[used] = 0;
    return true;
}

static enum refusal_id read_open_file(struct efi_app *app, EFI_FILE *file, const char *path,
                                      uint64_t *ret_at, uint64_t *ret_size, struct refusal *why)
{
    EFI_GUID info_guid = EFI_FILE_INFO_ID;
    /* EFI_FILE_INFO with the longest name that FAT allows. */
    union {
        EFI_FILE_INFO info;
        uint8_t room[sizeof(EFI_FILE_INFO) + 2 * 512];
    } buffer;
    UINTN size = sizeof(buffer);
    uint64_t at;

    if (EFI_ERROR(file->GetInfo(file, &info_guid, &size, &buffer)))
        return REFUSE(why, EFI_FILE, .str = {path, "the volume does not tell its size"});
    if (buffer.info.Attribute & EFI_FILE_DIRECTORY)
        return REFUSE(why, EFI_FILE, .str = {path, "it is a folder"});
    uint64_t length = buffer.info.FileSize;
    if (!efi_allocate(app, length, &at))
        return REFUSE(why, EFI_FILE_TOO_LARGE, .num = {length}, .str = {path});
    for (uint64_t done = 0; done < length;) {
        UINTN part = (UINTN)(length - done < READ_CHUNK ? length - done : READ_CHUNK);
        EFI_STATUS status = file->Read(file, &part, (void *)(UINTN)(at + done));
        if (EFI_ERROR(status) || !part) {
            efi_free(app, at, length);
            return REFUSE(why, EFI_FILE, .str = {path, "the volume stopped with a read error"});
        }
        done += part;
    }
    *ret_at = at;
    *ret_size = length;
    return REFUSE_NONE;
}

/* A network device has no file system: ask its LoadFile2 or LoadFile protocol for the path. */
static enum refusal_id read_from_network(struct efi_app *app, const char *path, const CHAR16 *wide,
                                         bool optional, uint64_t *ret_at, uint64_t *ret_size,
                                         struct refusal *why)
{
    EFI_GUID guids[2] = {
        {0x4006c0c1, 0xfcb3, 0x403e, {0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d}},
        LOAD_FILE_PROTOCOL,
    };
    EFI_LOAD_FILE_INTERFACE *loader = NULL;
    struct {
        EFI_DEVICE_PATH node;
        CHAR16 name[PATH_MAX_CHARS];
        EFI_DEVICE_PATH end;
    } target;
    UINTN characters = 0, size = 0;
    uint64_t at;

    for (int i = 0; i < 2 && !loader; i++)
        if (EFI_ERROR(app->services->HandleProtocol(app->loaded->DeviceHandle, &guids[i],
                                                    (void **)&loader)))
            loader = NULL;
    if (!loader)
        return REFUSE(why, EFI_FILE,
                      .str = {path, "the device it was started from has no file system"});
    while (wide[characters])
        characters++;
    UINTN length = sizeof(target.node) + (characters + 1) * sizeof(CHAR16);
    target.node.Type = MEDIA_DEVICE_PATH;
    target.node.SubType = MEDIA_FILEPATH_DP;
    target.node.Length[0] = (uint8_t)length;
    target.node.Length[1] = (uint8_t)(length >> 8);
    memcpy(target.name, wide, (characters + 1) * sizeof(CHAR16));
    EFI_DEVICE_PATH end = {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}};
    memcpy((uint8_t *)&target + length, &end, sizeof(end));

    EFI_STATUS status = loader->LoadFile(loader, &target.node, FALSE, &size, NULL);
    if (status != EFI_BUFFER_TOO_SMALL) {
        if (optional)
            return REFUSE_NONE;
        return REFUSE(why, EFI_FILE, .str = {path, "the network device does not find it"});
    }
    if (!efi_allocate(app, size, &at))
        return REFUSE(why, EFI_FILE_TOO_LARGE, .num = {size}, .str = {path});
    UINTN capacity = size;
    status = loader->LoadFile(loader, &target.node, FALSE, &size, (void *)(UINTN)at);
    if (EFI_ERROR(status)) {
        efi_free(app, at, capacity);
        return REFUSE(why, EFI_FILE, .str = {path, "the network device stopped with an error"});
    }
    *ret_at = at;
    *ret_size = size;
    return REFUSE_NONE;
}

static enum refusal_id read_path(struct efi_app *app, const char *path, bool optional,
                                 uint64_t *ret_at, uint64_t *ret_size, struct refusal *why)
{
    EFI_GUID guid = SIMPLE_FILE_SYSTEM_PROTOCOL;
    EFI_FILE_IO_INTERFACE *volume;
    EFI_FILE *root, *file;
    CHAR16 wide[PATH_MAX_CHARS];

    if (!wide_path(app, path, wide))
        return REFUSE(why, EFI_FILE, .str = {path, "the path is too long or not UTF-8"});
    if (EFI_ERROR(
            app->services->HandleProtocol(app->loaded->DeviceHandle, &guid, (void **)&volume)))
        return read_from_network(app, path, wide, optional, ret_at, ret_size, why);
    if (EFI_ERROR(volume->OpenVolume(volume, &root)))
        return REFUSE(why, EFI_FILE, .str = {path, "the volume cannot be opened"});
    EFI_STATUS status = root->Open(root, &file, wide, EFI_FILE_MODE_READ, 0);
    root->Close(root);
    if (status == EFI_NOT_FOUND && optional)
        return REFUSE_NONE;
    if (EFI_ERROR(status))
        return REFUSE(why, EFI_FILE,
                      .str = {path, status == EFI_NOT_FOUND ? "the volume has no such file"
                                                            : "the volume cannot open it"});
    enum refusal_id id = read_open_file(app, file, path, ret_at, ret_size, why);
    file->Close(file);
    return id;
}

enum refusal_id efi_file_read(struct efi_app *app, const char *path, uint64_t *ret_at,
                              uint64_t *ret_size, struct refusal *why)
{
    return read_path(app, path, false, ret_at, ret_size, why);
}

enum refusal_id efi_file_read_optional(struct efi_app *app, const char *path, uint64_t *ret_at,
                                       uint64_t *ret_size, struct refusal *why)
{
    *ret_size = 0;
    return read_path(app, path, true, ret_at, ret_size, why);
}
