"""A private system bus with a logind of python3-dbusmock: nothing of the machine's own is asked or changed."""

import sys

import dbus
from process import Process, wait_until

NAME, OBJECT, MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
SESSION = "org.freedesktop.login1.Session"
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""


class SystemBus:
    """The bus; logind comes and goes."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = directory / "system_bus"
        self.address = f"unix:path={self.socket}"
        self.daemon = self.logind = self.connection = None

    def start(self, logind=True):
        config = self.directory / "bus.conf"
        config.write_text(CONFIG.format(socket=self.socket), encoding="utf-8")
        self.daemon = Process(["dbus-daemon", f"--config-file={config}", "--nofork"], self.directory / "bus.log")
        wait_until(self._connect, 60, "the private bus")
        if logind:
            self.start_logind()

    def _connect(self):
        """The socket's file is there a moment before anybody listens."""
        try:
            self.connection = dbus.bus.BusConnection(self.address)
        except dbus.exceptions.DBusException:
            return False
        return True

    def start_logind(self):
        self.logind = Process([sys.executable, "-m", "dbusmock", "--system", "--template", "logind"],
                              self.directory / "logind.log", env={"DBUS_SYSTEM_BUS_ADDRESS": self.address,
                                                                  "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"})
        wait_until(lambda: self.connection.name_has_owner(NAME), 60, "logind")

    def stop_logind(self):
        self.logind.stop()
        wait_until(lambda: not self.connection.name_has_owner(NAME), 60, "logind's end")

    def _mock(self, path=OBJECT):
        return dbus.Interface(self.connection.get_object(NAME, path, introspect=False), "org.freedesktop.DBus.Mock")

    def add_session(self, id, user="marie", seat="", **properties):
        """All of it at once: whoever looks sees it as it is to be, or not at all."""
        path, seat = dbus.ObjectPath(f"{OBJECT}/session/{id}"), seat or "seat0"
        all_of_it = {"Id": id, "Name": user, "Active": True, "State": "active", "Class": "user", "Type": "test", "Remote": False,
                     "RemoteHost": "", "IdleHint": False, "Leader": dbus.UInt32(1),
                     "User": dbus.Struct((dbus.UInt32(1000), dbus.ObjectPath(f"{OBJECT}/user/1000")), signature="uo"),
                     "Seat": dbus.Struct((seat, dbus.ObjectPath(f"{OBJECT}/seat/{seat}")), signature="so"), **properties}
        mock = self._mock()
        mock.AddObject(path, SESSION, all_of_it, dbus.Array([], signature="(ssss)"), signature="ssa{sv}a(ssss)")
        mock.EmitSignal(MANAGER, "SessionNew", "so", [id, path], signature="sssav")
        return path

    def remove_session(self, id, path):
        self._mock().RemoveObject(path)
        self._mock().EmitSignal(MANAGER, "SessionRemoved", "so", [id, dbus.ObjectPath(path)], signature="sssav")

    def method(self, name, code, arguments="b", returns=""):
        self._mock().AddMethod(MANAGER, name, arguments, returns, code, signature="sssss")

    def refuse(self, name, message):
        self.method(name, f'raise dbus.exceptions.DBusException("{message}", name="org.freedesktop.DBus.Error.Failed")')

    def calls(self, name):
        return self._mock().GetMethodCalls(name)

    def inhibitors(self):
        manager = dbus.Interface(self.connection.get_object(NAME, OBJECT, introspect=False), MANAGER)
        return [tuple(str(x) for x in i[:4]) for i in manager.ListInhibitors()]

    def inhibit(self, what, who, why, mode):
        """Holds until the returned descriptor is closed."""
        manager = dbus.Interface(self.connection.get_object(NAME, OBJECT, introspect=False), MANAGER)
        return manager.Inhibit(what, who, why, mode).take()

    def going(self, begins, what="Sleep"):
        """It begins once somebody listens: whoever has a delay asked for the signal before."""
        if begins:
            wait_until(lambda: any(i[0] == what.lower() and i[3] == "delay" for i in self.inhibitors()), 60, "a delay inhibitor")
        self._mock().EmitSignal(MANAGER, f"PrepareFor{what}", "b", [begins], signature="sssav")

    def stop(self):
        if self.connection:
            self.connection.close()
        for part in (self.logind, self.daemon):
            if part:
                part.stop()
