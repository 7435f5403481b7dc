/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The fake firmware's volume and network device: the files of struct fake, names compared without
 * regard to case as FAT does.  UEFI 2.10 sections 13.2, 13.4 and 13.5.
 */
#include "fake_services.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_firmware.h"

static struct open_file {
    EFI_FILE handle;
    const struct fake_file *file;
    uint64_t position;
    bool open;
} opened[FAKE_FILE_MAX];
static EFI_FILE root;

static const struct fake_file *find(const CHAR16 *wanted)
{
    for (unsigned i = 0; i < FAKE_FILE_MAX; i++) {
        const char *path = fake.file[i].path;
        size_t at = 0;
        if (!path)
            continue;
        while (path[at] && toupper((unsigned char)path[at]) == toupper(wanted[at]))
            at++;
        if (!path[at] && !wanted[at])
            return &fake.file[i];
    }
    return NULL;
}

static EFI_STATUS EFIAPI read(EFI_FILE *self, UINTN *size, void *to)
{
    struct open_file *open = (struct open_file *)self;
    uint64_t left = open->file->size - open->position;
    assert_true(open->open);
    if (open->file->read_limit && open->position + *size > open->file->read_limit)
        return EFI_DEVICE_ERROR;
    if (*size > left)
        *size = (UINTN)left;
    if (*size)
        memcpy(to, (const uint8_t *)open->file->data + open->position, *size);
    open->position += *size;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_info(EFI_FILE *self, EFI_GUID *type, UINTN *size, void *to)
{
    struct open_file *open = (struct open_file *)self;
    EFI_GUID wanted = EFI_FILE_INFO_ID;
    EFI_FILE_INFO info = {.Size = sizeof(info), .FileSize = open->file->size};
    assert_memory_equal(type, &wanted, sizeof(wanted));
    if (EFI_ERROR(open->file->info))
        return open->file->info;
    if (open->file->folder)
        info.Attribute = EFI_FILE_DIRECTORY;
    assert_true(*size >= sizeof(info));
    memcpy(to, &info, sizeof(info));
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI close(EFI_FILE *self)
{
    if (self != &root)
        ((struct open_file *)self)->open = false;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open(EFI_FILE *self, EFI_FILE **ret, CHAR16 *path, UINT64 how,
                              UINT64 attributes)
{
    const struct fake_file *file = find(path);
    (void)attributes;
    assert_ptr_equal(self, &root);
    assert_int_equal(how, EFI_FILE_MODE_READ);
    if (!file)
        return EFI_NOT_FOUND;
    if (EFI_ERROR(file->open))
        return file->open;
    struct open_file *handle = &opened[file - fake.file];
    assert_false(handle->open); /* each is closed again */
    *handle = (struct open_file){.file = file, .open = true};
    handle->handle.Read = read;
    handle->handle.GetInfo = get_info;
    handle->handle.Close = close;
    *ret = &handle->handle;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE *self, EFI_FILE **ret)
{
    (void)self;
    if (fake.no_open_volume)
        return EFI_MEDIA_CHANGED;
    memset(opened, 0, sizeof(opened));
    root.Open = open;
    root.Close = close;
    *ret = &root;
    return EFI_SUCCESS;
}

EFI_FILE_IO_INTERFACE *fake_volume(void)
{
    static EFI_FILE_IO_INTERFACE volume;
    volume.OpenVolume = open_volume;
    return &volume;
}

static EFI_STATUS EFIAPI load_file(EFI_LOAD_FILE_INTERFACE *self, EFI_DEVICE_PATH *path,
                                   BOOLEAN policy, UINTN *size, void *to)
{
    (void)self;
    assert_false(policy);
    assert_int_equal(DevicePathType(path), MEDIA_DEVICE_PATH);
    assert_int_equal(DevicePathSubType(path), MEDIA_FILEPATH_DP);
    UINTN length = DevicePathNodeLength(path);
    CHAR16 name[512];
    assert_in_range(length, sizeof(*path) + 2, sizeof(*path) + sizeof(name));
    memcpy(name, path + 1, length - sizeof(*path));
    assert_int_equal(name[(length - sizeof(*path)) / 2 - 1], 0);
    assert_true(IsDevicePathEnd((EFI_DEVICE_PATH *)((uint8_t *)path + length)));
    const struct fake_file *file = find(name);
    if (!file)
        return EFI_NOT_FOUND;
    UINTN room = *size;
    *size = (UINTN)file->size;
    if (!to || room < file->size)
        return EFI_BUFFER_TOO_SMALL;
    if (file->read_limit)
        return EFI_DEVICE_ERROR;
    memcpy(to, file->data, file->size);
    return EFI_SUCCESS;
}

EFI_LOAD_FILE_INTERFACE *fake_network(void)
{
    static EFI_LOAD_FILE_INTERFACE network;
    network.LoadFile = load_file;
    return &network;
}
