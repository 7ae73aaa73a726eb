"""Facts that outlive a process, kept in a Store: strangers to the engines that hold them."""
