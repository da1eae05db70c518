"""The files of a folder: the same list every time, no loop, no waiting, and a sentence for what is no image."""

import os

import pytest

from core.data.walk import FolderImages
from core.errors import DataError, ImageRefused


def test_names_are_sorted_paths_of_all_levels_without_hidden_ones(tmp_path, write_image):
    for name in ("b/2.png", "b/10.png", "a.png", "b.png", "ä/é.png", ".hidden.png", ".git/x.png", "b/.x/y.png"):
        write_image(tmp_path / name)
    images = FolderImages(tmp_path)
    assert images.names() == ["a.png", "b.png", "b/10.png", "b/2.png", "ä/é.png"]
    assert images.read("b/2.png").shape == (24, 24, 3)


def test_the_output_in_the_same_folder_is_no_image(tmp_path, write_image):
    write_image(tmp_path / "a.png")
    (tmp_path / "s.csv.part").write_text("", encoding="utf-8")
    link = tmp_path.with_name(f"{tmp_path.name}-link")
    link.symlink_to(tmp_path)
    assert FolderImages(tmp_path, [link / "s.csv", link / "s.csv.part"]).names() == ["a.png"]


def test_links_to_files_are_followed_links_to_folders_are_not(tmp_path, write_image):
    write_image(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "b.png").symlink_to(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "nothing.png")
    images = FolderImages(tmp_path / "in")
    assert images.names() == ["a.png", "b.png", "gone.png", "loop"]
    assert images.read("b.png").shape == (24, 24, 3)
    with pytest.raises(ImageRefused, match="loop: a link to a folder is not followed"):
        images.read("loop")
    with pytest.raises(ImageRefused, match=r"gone\.png: the file cannot be read \(No such file"):
        images.read("gone.png")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageRefused, match=r"pipe\.png: it is no file but a pipe"):
        FolderImages(tmp_path).read("pipe.png")


def test_a_folder_that_cannot_be_listed_stands_in_the_list(tmp_path, write_image, monkeypatch):
    write_image(tmp_path / "a.png")
    (tmp_path / "locked").mkdir()
    real = os.scandir

    def locked(path):
        if str(path).rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", locked)
    images = FolderImages(tmp_path)
    assert images.names() == ["a.png", "locked/"]
    with pytest.raises(ImageRefused, match="locked/: the folder cannot be listed"):
        images.read("locked/")


def test_what_is_no_folder_is_said(tmp_path):
    with pytest.raises(DataError, match="is no folder"):
        FolderImages(tmp_path / "nothing")
