"""The watch: live positions against plans, no-go areas, rings and each other, and the alarms."""
