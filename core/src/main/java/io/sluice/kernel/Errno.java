// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/** The error codes of Linux, in numbers and in names; errno(3). The numbers are the same on x86-64 and aarch64. */
public final class Errno {
    // One constant per code, under its C name; the text beside it is what message() answers.
    /** Operation not permitted. */
    public static final int EPERM = 1;

    /** No such file or directory. */
    public static final int ENOENT = 2;

    /** No such process. */
    public static final int ESRCH = 3;

    /** Interrupted system call. */
    public static final int EINTR = 4;

    /** Input/output error. */
    public static final int EIO = 5;

    /** No such device or address. */
    public static final int ENXIO = 6;

    /** Argument list too long. */
    public static final int E2BIG = 7;

    /** Exec format error. */
    public static final int ENOEXEC = 8;

    /** Bad file descriptor. */
    public static final int EBADF = 9;

    /** No child processes. */
    public static final int ECHILD = 10;

    /** Resource temporarily unavailable. */
    public static final int EAGAIN = 11;

    /** Cannot allocate memory. */
    public static final int ENOMEM = 12;

    /** Permission denied. */
    public static final int EACCES = 13;

    /** Bad address. */
    public static final int EFAULT = 14;

    /** Block device required. */
    public static final int ENOTBLK = 15;

    /** Device or resource busy. */
    public static final int EBUSY = 16;

    /** File exists. */
    public static final int EEXIST = 17;

    /** Invalid cross-device link. */
    public static final int EXDEV = 18;

    /** No such device. */
    public static final int ENODEV = 19;

    /** Not a directory. */
    public static final int ENOTDIR = 20;

    /** Is a directory. */
    public static final int EISDIR = 21;

    /** Invalid argument. */
    public static final int EINVAL = 22;

    /** Too many open files in system. */
    public static final int ENFILE = 23;

    /** Too many open files. */
    public static final int EMFILE = 24;

    /** Inappropriate ioctl for device. */
    public static final int ENOTTY = 25;

    /** Text file busy. */
    public static final int ETXTBSY = 26;

    /** File too large. */
    public static final int EFBIG = 27;

    /** No space left on device. */
    public static final int ENOSPC = 28;

    /** Illegal seek. */
    public static final int ESPIPE = 29;

    /** Read-only file system. */
    public static final int EROFS = 30;

    /** Too many links. */
    public static final int EMLINK = 31;

    /** Broken pipe. */
    public static final int EPIPE = 32;

    /** Numerical argument out of domain. */
    public static final int EDOM = 33;

    /** Numerical result out of range. */
    public static final int ERANGE = 34;

    /** Resource deadlock avoided. */
    public static final int EDEADLK = 35;

    /** File name too long. */
    public static final int ENAMETOOLONG = 36;

    /** No locks available. */
    public static final int ENOLCK = 37;

    /** Function not implemented. */
    public static final int ENOSYS = 38;

    /** Directory not empty. */
    public static final int ENOTEMPTY = 39;

    /** Too many levels of symbolic links. */
    public static final int ELOOP = 40;

    /** No message of desired type. */
    public static final int ENOMSG = 42;

    /** Identifier removed. */
    public static final int EIDRM = 43;

    /** Channel number out of range. */
    public static final int ECHRNG = 44;

    /** Level 2 not synchronized. */
    public static final int EL2NSYNC = 45;

    /** Level 3 halted. */
    public static final int EL3HLT = 46;

    /** Level 3 reset. */
    public static final int EL3RST = 47;

    /** Link number out of range. */
    public static final int ELNRNG = 48;

    /** Protocol driver not attached. */
    public static final int EUNATCH = 49;

    /** No CSI structure available. */
    public static final int ENOCSI = 50;

    /** Level 2 halted. */
    public static final int EL2HLT = 51;

    /** Invalid exchange. */
    public static final int EBADE = 52;

    /** Invalid request descriptor. */
    public static final int EBADR = 53;

    /** Exchange full. */
    public static final int EXFULL = 54;

    /** No anode. */
    public static final int ENOANO = 55;

    /** Invalid request code. */
    public static final int EBADRQC = 56;

    /** Invalid slot. */
    public static final int EBADSLT = 57;

    /** Bad font file format. */
    public static final int EBFONT = 59;

    /** Device not a stream. */
    public static final int ENOSTR = 60;

    /** No data available. */
    public static final int ENODATA = 61;

    /** Timer expired. */
    public static final int ETIME = 62;

    /** Out of streams resources. */
    public static final int ENOSR = 63;

    /** Machine is not on the network. */
    public static final int ENONET = 64;

    /** Package not installed. */
    public static final int ENOPKG = 65;

    /** Object is remote. */
    public static final int EREMOTE = 66;

    /** Link has been severed. */
    public static final int ENOLINK = 67;

    /** Advertise error. */
    public static final int EADV = 68;

    /** Srmount error. */
    public static final int ESRMNT = 69;

    /** Communication error on send. */
    public static final int ECOMM = 70;

    /** Protocol error. */
    public static final int EPROTO = 71;

    /** Multihop attempted. */
    public static final int EMULTIHOP = 72;

    /** RFS specific error. */
    public static final int EDOTDOT = 73;

    /** Bad message. */
    public static final int EBADMSG = 74;

    /** Value too large for defined data type. */
    public static final int EOVERFLOW = 75;

    /** Name not unique on network. */
    public static final int ENOTUNIQ = 76;

    /** File descriptor in bad state. */
    public static final int EBADFD = 77;

    /** Remote address changed. */
    public static final int EREMCHG = 78;

    /** Can not access a needed shared library. */
    public static final int ELIBACC = 79;

    /** Accessing a corrupted shared library. */
    public static final int ELIBBAD = 80;

    /** .lib section in a.out corrupted. */
    public static final int ELIBSCN = 81;

    /** Attempting to link in too many shared libraries. */
    public static final int ELIBMAX = 82;

    /** Cannot exec a shared library directly. */
    public static final int ELIBEXEC = 83;

    /** Invalid or incomplete multibyte or wide character. */
    public static final int EILSEQ = 84;

    /** Interrupted system call should be restarted. */
    public static final int ERESTART = 85;

    /** Streams pipe error. */
    public static final int ESTRPIPE = 86;

    /** Too many users. */
    public static final int EUSERS = 87;

    /** Socket operation on non-socket. */
    public static final int ENOTSOCK = 88;

    /** Destination address required. */
    public static final int EDESTADDRREQ = 89;

    /** Message too long. */
    public static final int EMSGSIZE = 90;

    /** Protocol wrong type for socket. */
    public static final int EPROTOTYPE = 91;

    /** Protocol not available. */
    public static final int ENOPROTOOPT = 92;

    /** Protocol not supported. */
    public static final int EPROTONOSUPPORT = 93;

    /** Socket type not supported. */
    public static final int ESOCKTNOSUPPORT = 94;

    /** Operation not supported. */
    public static final int EOPNOTSUPP = 95;

    /** Protocol family not supported. */
    public static final int EPFNOSUPPORT = 96;

    /** Address family not supported by protocol. */
    public static final int EAFNOSUPPORT = 97;

    /** Address already in use. */
    public static final int EADDRINUSE = 98;

    /** Cannot assign requested address. */
    public static final int EADDRNOTAVAIL = 99;

    /** Network is down. */
    public static final int ENETDOWN = 100;

    /** Network is unreachable. */
    public static final int ENETUNREACH = 101;

    /** Network dropped connection on reset. */
    public static final int ENETRESET = 102;

    /** Software caused connection abort. */
    public static final int ECONNABORTED = 103;

    /** Connection reset by peer. */
    public static final int ECONNRESET = 104;

    /** No buffer space available. */
    public static final int ENOBUFS = 105;

    /** Transport endpoint is already connected. */
    public static final int EISCONN = 106;

    /** Transport endpoint is not connected. */
    public static final int ENOTCONN = 107;

    /** Cannot send after transport endpoint shutdown. */
    public static final int ESHUTDOWN = 108;

    /** Too many references: cannot splice. */
    public static final int ETOOMANYREFS = 109;

    /** Connection timed out. */
    public static final int ETIMEDOUT = 110;

    /** Connection refused. */
    public static final int ECONNREFUSED = 111;

    /** Host is down. */
    public static final int EHOSTDOWN = 112;

    /** No route to host. */
    public static final int EHOSTUNREACH = 113;

    /** Operation already in progress. */
    public static final int EALREADY = 114;

    /** Operation now in progress. */
    public static final int EINPROGRESS = 115;

    /** Stale file handle. */
    public static final int ESTALE = 116;

    /** Structure needs cleaning. */
    public static final int EUCLEAN = 117;

    /** Not a XENIX named type file. */
    public static final int ENOTNAM = 118;

    /** No XENIX semaphores available. */
    public static final int ENAVAIL = 119;

    /** Is a named type file. */
    public static final int EISNAM = 120;

    /** Remote I/O error. */
    public static final int EREMOTEIO = 121;

    /** Disk quota exceeded. */
    public static final int EDQUOT = 122;

    /** No medium found. */
    public static final int ENOMEDIUM = 123;

    /** Wrong medium type. */
    public static final int EMEDIUMTYPE = 124;

    /** Operation canceled. */
    public static final int ECANCELED = 125;

    /** Required key not available. */
    public static final int ENOKEY = 126;

    /** Key has expired. */
    public static final int EKEYEXPIRED = 127;

    /** Key has been revoked. */
    public static final int EKEYREVOKED = 128;

    /** Key was rejected by service. */
    public static final int EKEYREJECTED = 129;

    /** Owner died. */
    public static final int EOWNERDEAD = 130;

    /** State not recoverable. */
    public static final int ENOTRECOVERABLE = 131;

    /** Operation not possible due to RF-kill. */
    public static final int ERFKILL = 132;

    /** Memory page has hardware error. */
    public static final int EHWPOISON = 133;

    private static final Map<Integer, Entry> BY_CODE = new TreeMap<>();

    static {
        put(EPERM, "EPERM", "Operation not permitted");
        put(ENOENT, "ENOENT", "No such file or directory");
        put(ESRCH, "ESRCH", "No such process");
        put(EINTR, "EINTR", "Interrupted system call");
        put(EIO, "EIO", "Input/output error");
        put(ENXIO, "ENXIO", "No such device or address");
        put(E2BIG, "E2BIG", "Argument list too long");
        put(ENOEXEC, "ENOEXEC", "Exec format error");
        put(EBADF, "EBADF", "Bad file descriptor");
        put(ECHILD, "ECHILD", "No child processes");
        put(EAGAIN, "EAGAIN", "Resource temporarily unavailable");
        put(ENOMEM, "ENOMEM", "Cannot allocate memory");
        put(EACCES, "EACCES", "Permission denied");
        put(EFAULT, "EFAULT", "Bad address");
        put(ENOTBLK, "ENOTBLK", "Block device required");
        put(EBUSY, "EBUSY", "Device or resource busy");
        put(EEXIST, "EEXIST", "File exists");
        put(EXDEV, "EXDEV", "Invalid cross-device link");
        put(ENODEV, "ENODEV", "No such device");
        put(ENOTDIR, "ENOTDIR", "Not a directory");
        put(EISDIR, "EISDIR", "Is a directory");
        put(EINVAL, "EINVAL", "Invalid argument");
        put(ENFILE, "ENFILE", "Too many open files in system");
        put(EMFILE, "EMFILE", "Too many open files");
        put(ENOTTY, "ENOTTY", "Inappropriate ioctl for device");
        put(ETXTBSY, "ETXTBSY", "Text file busy");
        put(EFBIG, "EFBIG", "File too large");
        put(ENOSPC, "ENOSPC", "No space left on device");
        put(ESPIPE, "ESPIPE", "Illegal seek");
        put(EROFS, "EROFS", "Read-only file system");
        put(EMLINK, "EMLINK", "Too many links");
        put(EPIPE, "EPIPE", "Broken pipe");
        put(EDOM, "EDOM", "Numerical argument out of domain");
        put(ERANGE, "ERANGE", "Numerical result out of range");
        put(EDEADLK, "EDEADLK", "Resource deadlock avoided");
        put(ENAMETOOLONG, "ENAMETOOLONG", "File name too long");
        put(ENOLCK, "ENOLCK", "No locks available");
        put(ENOSYS, "ENOSYS", "Function not implemented");
        put(ENOTEMPTY, "ENOTEMPTY", "Directory not empty");
        put(ELOOP, "ELOOP", "Too many levels of symbolic links");
        put(ENOMSG, "ENOMSG", "No message of desired type");
        put(EIDRM, "EIDRM", "Identifier removed");
        put(ECHRNG, "ECHRNG", "Channel number out of range");
        put(EL2NSYNC, "EL2NSYNC", "Level 2 not synchronized");
        put(EL3HLT, "EL3HLT", "Level 3 halted");
        put(EL3RST, "EL3RST", "Level 3 reset");
        put(ELNRNG, "ELNRNG", "Link number out of range");
        put(EUNATCH, "EUNATCH", "Protocol driver not attached");
        put(ENOCSI, "ENOCSI", "No CSI structure available");
        put(EL2HLT, "EL2HLT", "Level 2 halted");
        put(EBADE, "EBADE", "Invalid exchange");
        put(EBADR, "EBADR", "Invalid request descriptor");
        put(EXFULL, "EXFULL", "Exchange full");
        put(ENOANO, "ENOANO", "No anode");
        put(EBADRQC, "EBADRQC", "Invalid request code");
        put(EBADSLT, "EBADSLT", "Invalid slot");
        put(EBFONT, "EBFONT", "Bad font file format");
        put(ENOSTR, "ENOSTR", "Device not a stream");
        put(ENODATA, "ENODATA", "No data available");
        put(ETIME, "ETIME", "Timer expired");
        put(ENOSR, "ENOSR", "Out of streams resources");
        put(ENONET, "ENONET", "Machine is not on the network");
        put(ENOPKG, "ENOPKG", "Package not installed");
        put(EREMOTE, "EREMOTE", "Object is remote");
        put(ENOLINK, "ENOLINK", "Link has been severed");
        put(EADV, "EADV", "Advertise error");
        put(ESRMNT, "ESRMNT", "Srmount error");
        put(ECOMM, "ECOMM", "Communication error on send");
        put(EPROTO, "EPROTO", "Protocol error");
        put(EMULTIHOP, "EMULTIHOP", "Multihop attempted");
        put(EDOTDOT, "EDOTDOT", "RFS specific error");
        put(EBADMSG, "EBADMSG", "Bad message");
        put(EOVERFLOW, "EOVERFLOW", "Value too large for defined data type");
        put(ENOTUNIQ, "ENOTUNIQ", "Name not unique on network");
        put(EBADFD, "EBADFD", "File descriptor in bad state");
        put(EREMCHG, "EREMCHG", "Remote address changed");
        put(ELIBACC, "ELIBACC", "Can not access a needed shared library");
        put(ELIBBAD, "ELIBBAD", "Accessing a corrupted shared library");
        put(ELIBSCN, "ELIBSCN", ".lib section in a.out corrupted");
        put(ELIBMAX, "ELIBMAX", "Attempting to link in too many shared libraries");
        put(ELIBEXEC, "ELIBEXEC", "Cannot exec a shared library directly");
        put(EILSEQ, "EILSEQ", "Invalid or incomplete multibyte or wide character");
        put(ERESTART, "ERESTART", "Interrupted system call should be restarted");
        put(ESTRPIPE, "ESTRPIPE", "Streams pipe error");
        put(EUSERS, "EUSERS", "Too many users");
        put(ENOTSOCK, "ENOTSOCK", "Socket operation on non-socket");
        put(EDESTADDRREQ, "EDESTADDRREQ", "Destination address required");
        put(EMSGSIZE, "EMSGSIZE", "Message too long");
        put(EPROTOTYPE, "EPROTOTYPE", "Protocol wrong type for socket");
        put(ENOPROTOOPT, "ENOPROTOOPT", "Protocol not available");
        put(EPROTONOSUPPORT, "EPROTONOSUPPORT", "Protocol not supported");
        put(ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT", "Socket type not supported");
        put(EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported");
        put(EPFNOSUPPORT, "EPFNOSUPPORT", "Protocol family not supported");
        put(EAFNOSUPPORT, "EAFNOSUPPORT", "Address family not supported by protocol");
        put(EADDRINUSE, "EADDRINUSE", "Address already in use");
        put(EADDRNOTAVAIL, "EADDRNOTAVAIL", "Cannot assign requested address");
        put(ENETDOWN, "ENETDOWN", "Network is down");
        put(ENETUNREACH, "ENETUNREACH", "Network is unreachable");
        put(ENETRESET, "ENETRESET", "Network dropped connection on reset");
        put(ECONNABORTED, "ECONNABORTED", "Software caused connection abort");
        put(ECONNRESET, "ECONNRESET", "Connection reset by peer");
        put(ENOBUFS, "ENOBUFS", "No buffer space available");
        put(EISCONN, "EISCONN", "Transport endpoint is already connected");
        put(ENOTCONN, "ENOTCONN", "Transport endpoint is not connected");
        put(ESHUTDOWN, "ESHUTDOWN", "Cannot send after transport endpoint shutdown");
        put(ETOOMANYREFS, "ETOOMANYREFS", "Too many references: cannot splice");
        put(ETIMEDOUT, "ETIMEDOUT", "Connection timed out");
        put(ECONNREFUSED, "ECONNREFUSED", "Connection refused");
        put(EHOSTDOWN, "EHOSTDOWN", "Host is down");
        put(EHOSTUNREACH, "EHOSTUNREACH", "No route to host");
        put(EALREADY, "EALREADY", "Operation already in progress");
        put(EINPROGRESS, "EINPROGRESS", "Operation now in progress");
        put(ESTALE, "ESTALE", "Stale file handle");
        put(EUCLEAN, "EUCLEAN", "Structure needs cleaning");
        put(ENOTNAM, "ENOTNAM", "Not a XENIX named type file");
        put(ENAVAIL, "ENAVAIL", "No XENIX semaphores available");
        put(EISNAM, "EISNAM", "Is a named type file");
        put(EREMOTEIO, "EREMOTEIO", "Remote I/O error");
        put(EDQUOT, "EDQUOT", "Disk quota exceeded");
        put(ENOMEDIUM, "ENOMEDIUM", "No medium found");
        put(EMEDIUMTYPE, "EMEDIUMTYPE", "Wrong medium type");
        put(ECANCELED, "ECANCELED", "Operation canceled");
        put(ENOKEY, "ENOKEY", "Required key not available");
        put(EKEYEXPIRED, "EKEYEXPIRED", "Key has expired");
        put(EKEYREVOKED, "EKEYREVOKED", "Key has been revoked");
        put(EKEYREJECTED, "EKEYREJECTED", "Key was rejected by service");
        put(EOWNERDEAD, "EOWNERDEAD", "Owner died");
        put(ENOTRECOVERABLE, "ENOTRECOVERABLE", "State not recoverable");
        put(ERFKILL, "ERFKILL", "Operation not possible due to RF-kill");
        put(EHWPOISON, "EHWPOISON", "Memory page has hardware error");
    }

    private record Entry(String name, String message) {}

    private Errno() {}

    private static void put(int code, String name, String message) {
        BY_CODE.put(code, new Entry(name, message));
    }

    /**
     * The C name of a code, given as errno or as a negated result; {@code "errno 999"} for one that Linux does not
     * have.
     */
    public static String name(int code) {
        Entry entry = BY_CODE.get(Math.abs(code));
        return entry == null ? "errno " + Math.abs(code) : entry.name;
    }

    /** The usual sentence for a code, given as errno or as a negated result. */
    public static String message(int code) {
        Entry entry = BY_CODE.get(Math.abs(code));
        return entry == null ? "unknown error " + Math.abs(code) : entry.message;
    }

    /** The code of a C name such as {@code "EAGAIN"}; empty when there is none. */
    public static OptionalInt code(String name) {
        return BY_CODE.entrySet().stream()
                .filter(e -> e.getValue().name.equals(name))
                .mapToInt(Map.Entry::getKey)
                .findFirst();
    }
}
