# What the manifest of resources gives, and what replaces it.


def require(path, dataset, key, obtain=None):
    """Gives a path that a dataset's file names; ends the run where nothing is there and no rule will make it."""
    is_made = path.is_relative_to("resources/demo") or is_simulated(path)
    if not path.exists() and not is_made and not RESOURCES.find_file(path):
        refuse(f"config/datasets/{dataset}.yaml: {key}", path, obtain)
    return path


def refuse(key, path, obtain=None):
    # Not a WorkflowError: Snakemake would pass over it wherever there is a result of earlier settings.
    advice = f"; {obtain}" if obtain else ""
    sys.exit(
        f"error: {key}: expected a file or folder, found nothing at {path}{advice}"
    )


def name_files():
    """Gives the pattern of the manifest's files, as they are called below resources/."""
    return match_any(
        str(resource.path.relative_to("resources"))
        for resource in RESOURCES.resources.values()
    )


def name_archive_folders():
    """Gives the pattern of the folders that archives are unpacked to, as they are called below resources/."""
    return match_any(
        str(resource.unpacked_to.relative_to("resources"))
        for resource in RESOURCES.resources.values()
        if resource.unpacked_to
    )


def get_resource_name(wildcards):
    return RESOURCES.find_file(Path("resources") / wildcards.file)


def get_resource_facts(wildcards):
    """What makes a file be fetched or verified again; it is kept, not fetched, where its hash still agrees."""
    return RESOURCES.get(get_resource_name(wildcards)).facts


def get_local_path(name):
    """Gives the file or folder that the configuration puts in the place of a resource, if it does."""
    if name not in CONFIG.resources:
        return None
    path = CONFIG.resources[name].path
    if not path.exists():
        refuse(f"config/config.yaml: resources.{name}.path", path)
    return path


def get_local_file(wildcards):
    return get_local_path(get_resource_name(wildcards)) or []


def get_local_option(wildcards, input):
    return f"--local {shlex.quote(input.local)}" if input.local else ""


def get_archive(wildcards):
    name = RESOURCES.find_archive(Path("resources") / wildcards.folder)
    return RESOURCES.get(name).path
